"""
A training in labml's own form, with `init`, `step` and `sample` of a person's own: what the README
shows. `attach` stands where `experiment.add_pytorch_models` stood in older versions of labml.

    python own_form.py text.txt [RUN]
"""

import os
import signal
import sys

import torch
from labml import experiment, logger, tracker
from labml.logger import Text
from labml_helpers.metrics.accuracy import Accuracy
from torch import nn
from torch.nn import functional as F

from experiments import mlm
from labnn.runs.launch import attach


class Configs(mlm.Configs):
    def init(self):
        tracker.set_scalar("loss.*", True)
        self._accuracy = Accuracy(ignore_index=self.padding_token)
        self.state_modules = [self._accuracy]
        self._loss = nn.CrossEntropyLoss(ignore_index=self.padding_token)

    def step(self, batch, batch_idx):
        # A test stops it in the middle of the second epoch.
        if os.environ.get("STOP_AT") == f"{self.position.epoch} {self.position.batch}":
            os.kill(os.getpid(), signal.SIGTERM)
        data = batch[0].to(self.device)
        if self.mode.is_train:
            tracker.add_global_step(data.shape[0] * data.shape[1])
        with torch.no_grad():
            masked, labels = self.mlm(data)
        logits, _ = self.model(masked)
        loss = self._loss(logits.view(-1, logits.shape[-1]), labels.view(-1))
        tracker.add("loss.", loss)
        self._accuracy(logits, labels)
        self._accuracy.track()
        if self.mode.is_train:
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
        tracker.save()

    def sample(self):
        ids = torch.as_tensor(self.tokenizer.encode("to be or not")).unsqueeze(-1)
        masked, labels = self.mlm(ids)
        best = F.softmax(self.model(masked)[0], dim=-1).max(dim=-1)
        tracker.save({"certainty": best.values.mean()})
        hidden = (labels != self.padding_token).sum()
        logger.log([("sampled: ", Text.key), f"{int(hidden)} hidden"])


def main(path, run=None):
    experiment.create(name="own", writers=set())
    conf = Configs()
    experiment.configs(
        conf,
        {
            "text": "file",
            "text.path": path,
            "text.valid_fraction": 0.2,
            "d_model": 14,
            "transformer.n_layers": 1,
            "transformer.n_heads": 2,
            "transformer.ffn.d_ff": 11,
            "seq_len": 11,
            "batch_size": 2,
            "epochs": 2,
            "masking_prob": 0.5,
            "grad_norm_clip": 2.0,
            "optimizer": "Noam",
            "optimizer.warmup": 3,
        },
    )
    attach(conf, resume=run)
    with experiment.start():
        conf.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
