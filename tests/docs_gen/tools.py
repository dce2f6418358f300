"""
Tools for notes that answer what a test wants, and remember what they were asked and told.
"""

WORDS = {
    "link": lambda href: href,
    "symbol": lambda name: "#" + name,
    "image": lambda src: {"src": src, "width": "2", "height": "3"},
    "maths": lambda tex, is_display: f"<maths {tex} {is_display}>",
    "drawing": lambda kind, text: f"<{kind} {text}>",
    "heading": lambda level, title: (level, "h-x"),
    "mark": lambda name: name,
}


class Answers:
    """An answer that is `None` is a refusal."""

    def __init__(self, **answers):
        self.answers = WORDS | answers
        self.asked, self.faults = [], []

    def __getattr__(self, name):
        if name not in WORDS:
            raise AttributeError(name)
        answer = self.answers[name]

        def ask(*question):
            self.asked.append((name, *question))
            if answer is None:
                raise ValueError(f"no {name}")
            return answer(*question)

        return ask

    def fault(self, what, kind, source):
        self.faults.append((what, kind, source))

    def say(self, text):
        return text.upper()
