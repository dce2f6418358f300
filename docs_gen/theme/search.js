// Search: a combobox over the index of docs_gen/search.py. It comes by scripts, when it is first
// needed; nothing is fetched, so that it works from file:// too.
(() => {
  "use strict";

  // Tokens are those of docs_gen/texts.py: Chinese in pairs, words whole and by their parts. Each
  // group holds what stands for one another: a word, and its parts together.
  const HAN = "\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
  const PIECE = new RegExp(`[${HAN}]+|(?:(?![${HAN}])[\\p{L}\\p{N}_])+`, "gu");
  const IS_HAN = new RegExp(`^[${HAN}]`, "u");
  const cut = (piece) => {
    if (IS_HAN.test(piece)) {
      const signs = [...piece];
      return signs.length < 2 ? [signs] : signs.slice(1).map((sign, n) => [signs[n] + sign]);
    }
    const humps = piece.replace(/([a-z0-9])([A-Z])/g, "$1 $2");
    const parts = humps.replace(/([A-Z])([A-Z][a-z])/g, "$1 $2").split(/[ _]+/).filter(Boolean);
    if (!parts.length) return [];
    const words = parts.length === 1 && parts[0] === piece ? parts : [piece, ...parts];
    return [words.map((word) => word.toLowerCase())];
  };
  // Most words come many times.
  const known = new Map();
  const remember = (piece) => {
    if (!known.has(piece)) known.set(piece, cut(piece));
    return known.get(piece);
  };
  const groups = (text) => (text.normalize("NFKC").match(PIECE) ?? []).flatMap(remember);
  const tokens = (text) => groups(text).flat();
  window.DOCS_TOKENS = tokens;

  const input = document.getElementById("search-input");
  const list = document.getElementById("search-hits");
  const status = document.getElementById("search-status");
  const form = input.form;
  const { root, static: folder, edition } = document.body.dataset;
  const N_HITS = 12;

  // What is said is seen as well; otherwise the element is as the page made it.
  const quiet = status.className;
  const say = (what) => {
    const text = form.dataset[what] ?? "";
    if (status.textContent !== text) status.textContent = text;
    status.className = text ? "search-status" : quiet;
  };

  // The index
  let entries, commons, mini, loading;
  const script = (name) =>
    new Promise((done, fail) => {
      const element = document.createElement("script");
      element.src = folder + name;
      element.onload = done;
      element.onerror = () => fail(name);
      document.head.append(element);
    });
  const build = async () => {
    await Promise.all([
      window.MiniSearch ?? script("minisearch.js"),
      window.DOCS_INDEX ?? script(`index-${edition}.js`),
    ]);
    const [pages, common, anchors, symbols, headings, texts, rests, names] = window.DOCS_INDEX;
    commons = new Set(common);
    entries = [];
    for (const [url, title, weight, count] of pages) {
      const page = { url, weight, title: title || headings[entries.length] };
      for (let n = 0; n < count; n++) {
        const id = entries.length;
        const [symbol, heading, text, rest] = [symbols, headings, texts, rests].map((f) => f[id]);
        const anchor = anchors[id] || symbol;
        entries.push({ ...page, id, anchor, symbol, heading, text, rest, names: names[id] });
      }
    }
    const built = new window.MiniSearch({
      fields: ["symbol", "names", "heading", "text"],
      extractField: (entry, field) =>
        field === "text" ? `${entry.text} ${entry.rest}` : entry[field],
      tokenize: tokens,
      processTerm: (term) => term,
      searchOptions: {
        // A query comes cut already.
        tokenize: (term) => [term],
        boost: { symbol: 4, names: 4, heading: 3 },
        boostDocument: (id) => entries[id].weight,
        // The first sign of a word is all that a lone Chinese one can be.
        prefix: (term) => (IS_HAN.test(term) ? [...term].length < 2 : term.length > 1),
        fuzzy: (term) => /^\p{L}{5,}$/u.test(term) && 0.25,
        maxFuzzy: 2,
      },
    });
    // In pieces, so that typing goes on meanwhile
    await built.addAllAsync(entries, { chunkSize: 500 });
    mini = built;
    form.dataset.search = "ready";
  };
  const load = () =>
    (loading ??= build().catch((error) => {
      // The next attempt may have more luck.
      loading = undefined;
      throw error;
    }));

  // Finding. What is named exactly as was asked comes first, whatever the words weigh.
  const squash = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
  const isTail = (name, asked) => squash(name.slice(name.lastIndexOf(".") + 1)) === asked;
  const rank = (entry, asked) => {
    if (squash(entry.symbol) === asked) return 4;
    if (isTail(entry.symbol, asked)) return 3;
    if (squash(entry.heading) === asked) return 2;
    return entry.name ? 1 : 0;
  };
  const find = (text) => {
    const asked = squash(text);
    // A word, or all of its parts
    const query = ([word, ...parts]) =>
      parts.length
        ? { combineWith: "OR", queries: [word, { combineWith: "AND", queries: parts }] }
        : word;
    // Common words are not in the index of every text that has them, so they may be missing.
    const all = groups(text);
    const telling = all.filter(([word]) => !commons.has(word));
    const needed = (telling.length ? telling : all).map(query);
    const other = telling.length ? all.filter(([word]) => commons.has(word)) : [];
    const search = (combineWith) => {
      const query = { combineWith, queries: needed };
      const found = mini.search(query);
      if (!other.length) return found;
      const ids = new Set(found.map(({ id }) => id));
      const filter = ({ id }) => ids.has(id);
      return mini.search({ combineWith: "OR", queries: [query, ...other.flat()] }, { filter });
    };
    let found = search("AND");
    if (!found.length) found = search("OR");
    // `transformer.n_layers` is what a person types for `TransformerConfigs.n_layers`.
    const [tail, ...heads] = text.split(".").reverse().map(squash);
    const isPath = (name) => heads[0] && isTail(name, tail) && squash(name).startsWith(heads[0]);
    const isAsked = (name) => squash(name) === asked || isTail(name, asked) || isPath(name);
    const hits = found.map(({ id, terms }) => {
      const entry = entries[id];
      const name = asked && entry.names.split(" ").find((each) => each && isAsked(each));
      return { ...entry, terms, name };
    });
    for (const hit of hits) hit.rank = rank(hit, asked);
    return hits.sort((a, b) => b.rank - a.rank).slice(0, N_HITS);
  };

  // Showing. A text is never read as HTML.
  const element = (tag, className, ...content) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...content);
    return made;
  };
  const ranges = (text, terms) => {
    const found = [];
    for (const term of terms) {
      // A short one counts where it stands alone.
      const isPart = IS_HAN.test(term) || term.length > 3;
      const alone = isPart ? term : `(?<![\\p{L}\\p{N}])${term}(?![\\p{L}\\p{N}])`;
      for (const match of text.matchAll(new RegExp(alone, "giu"))) {
        found.push([match.index, match.index + match[0].length]);
      }
    }
    found.sort((a, b) => a[0] - b[0]);
    // Chinese pairs overlap.
    return found.reduce((merged, [start, end]) => {
      const last = merged.at(-1);
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else merged.push([start, end]);
      return merged;
    }, []);
  };
  const snippet = ({ text, terms }) => {
    let at = 0;
    const parts = [];
    for (const [start, end] of ranges(text, terms)) {
      parts.push(text.slice(at, start), element("mark", "", text.slice(start, end)));
      at = end;
    }
    parts.push(text.slice(at));
    return element("span", "search-text", ...parts);
  };
  const option = (hit, number) => {
    const { url, title, symbol, heading, name } = hit;
    // The symbol of a whole page is a path, less telling than what it is called.
    const isPage = symbol !== hit.anchor;
    const shown = name || (!isPage && symbol) || heading || symbol || title;
    // Where a page is called what was found, its place tells it from others.
    const where = title === shown ? !isPage && url.replace(/(\/index)?\.html$/, "") : title;
    const about = [...new Set([isPage ? symbol : heading, where])];
    const path = url.split("/").map(encodeURIComponent).join("/");
    const link = element("a", "search-hit", element("b", "search-name", shown), " ");
    const page = about.filter((text) => text && text !== shown).join(" · ");
    link.append(element("span", "search-page", page), " ", snippet(hit));
    link.href = `${root}${path}#${encodeURIComponent(name || hit.anchor)}`;
    link.id = `search-hit-${number}`;
    link.tabIndex = -1;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    const item = element("li", "", link);
    item.setAttribute("role", "none");
    return item;
  };

  // The combobox. `turn` counts what was asked for, so that an answer that comes late is not shown.
  let turn = 0;
  let chosen = -1;
  const options = () => list.querySelectorAll("[role=option]");
  const choose = (number) => {
    chosen = number;
    options().forEach((each, n) => each.setAttribute("aria-selected", String(n === chosen)));
    const link = options()[chosen];
    if (!link) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", link.id);
    link.scrollIntoView({ block: "nearest" });
  };
  const show = (hits) => {
    list.replaceChildren(...hits.map(option));
    list.hidden = !hits.length;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    choose(-1);
  };
  const close = () => {
    turn += 1;
    show([]);
    say("");
  };
  const run = async () => {
    turn += 1;
    const mine = turn;
    if (!input.value.trim()) return close();
    if (!mini) say("loading");
    let what = "failed";
    let hits = [];
    try {
      await load();
      hits = find(input.value);
      what = hits.length ? "" : "none";
    } catch (error) {
      console.warn(error);
    }
    if (mine !== turn) return;
    show(hits);
    say(what);
  };
  const open = async () => {
    if (list.hidden) await run();
    options()[Math.max(chosen, 0)]?.click();
  };

  // A person who only passes by is told nothing of a failure.
  input.addEventListener("focus", () => load().catch(() => {}));
  // What is being composed is not yet what will be searched for.
  input.addEventListener("input", (event) => event.isComposing || run());
  input.addEventListener("compositionend", run);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const last = options().length - 1;
      // Only what was closed before opens with its first or last hit.
      if (list.hidden) run().then(() => choose(step > 0 ? 0 : options().length - 1));
      else if (chosen + step > last || chosen + step < 0) choose(step > 0 ? 0 : last);
      else choose(chosen + step);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (list.hidden && !status.textContent) input.value = "";
      close();
    }
  });
  // Without words it is the page of all names that opens.
  form.addEventListener("submit", (event) => {
    if (!input.value.trim()) return;
    event.preventDefault();
    open();
  });
  // The focus stays where the keys are.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    // A hit that opens elsewhere leaves the others to be seen.
    if (!event.target.closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    close();
    input.blur();
  });
  form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || close());
  document.addEventListener("pointerdown", (event) => form.contains(event.target) || close());

  // The form of a page without scripts leads here.
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) {
    input.value = asked;
    input.focus();
    run();
  }
})();
