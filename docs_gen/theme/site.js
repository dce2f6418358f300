// What a page can do besides being read: theme, language at the same place, keys, names in code.
(() => {
  "use strict";
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Where storage is forbidden a choice holds for this page.
  const stored = (use) => {
    try {
      return use(localStorage);
    } catch {
      return null;
    }
  };

  // The theme is the system's until another one is chosen, and again when that choice is undone.
  const button = find("#theme-button");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const showTheme = () => button.setAttribute("aria-pressed", String(isDark()));
  const changeTheme = () => {
    const theme = isDark() ? "light" : "dark";
    const isChoice = (theme === "dark") !== system.matches;
    if (isChoice) root.dataset.theme = theme;
    else delete root.dataset.theme;
    stored((kept) => (isChoice ? kept.setItem("theme", theme) : kept.removeItem("theme")));
    showTheme();
  };
  button.addEventListener("click", changeTheme);
  system.addEventListener("change", showTheme);
  showTheme();

  // Keys of one letter can be turned off: who speaks to a computer may type them unawares.
  const keys = find("#keys-button");
  const setKeys = (isOn) => {
    if (isOn) delete root.dataset.keys;
    else root.dataset.keys = "off";
    keys.setAttribute("aria-pressed", String(isOn));
    for (const control of all("[data-key]")) {
      control.ariaKeyShortcuts = isOn ? control.dataset.key : null;
    }
  };
  keys.addEventListener("click", () => {
    const isOn = Boolean(root.dataset.keys);
    stored((kept) => (isOn ? kept.removeItem("keys") : kept.setItem("keys", "off")));
    setKeys(isOn);
  });
  setKeys(!stored((kept) => kept.getItem("keys")));

  // The search is loaded when it is first needed, and told what it has missed.
  const input = find("#search-input");
  const loadSearch = () => {
    if (find("script[src$='/search.js']")) return;
    const script = document.createElement("script");
    script.src = document.body.dataset.static + "search.js";
    script.onload = () => {
      if (document.activeElement !== input) return;
      input.dispatchEvent(new Event("focus"));
      if (input.value) input.dispatchEvent(new Event("input"));
    };
    document.head.append(script);
  };
  input.addEventListener("focus", loadSearch, { once: true });
  const isAsked = new URLSearchParams(location.search).has("q");
  if (isAsked || document.activeElement === input) loadSearch();

  // The map of the page is open where it has a place of its own and moves nothing.
  const map = find(".row-side .toc");
  if (map && matchMedia("(min-width: 60.0625rem)").matches) map.open = true;

  // Sections, and which one the reader is at: the one that the address names while it is in sight
  // or on its way there, otherwise the first that begins below the header.
  const sections = all(".row[id], .page-section[id]");
  const edge = () => find(".top-bar").getBoundingClientRect().bottom;
  const top = (section) => section.getBoundingClientRect().top;
  let arrival = 0;
  const named = () => {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {
      // The name is taken as it is written.
    }
    const place = document.getElementById(id);
    if (!place) return null;
    const box = place.getBoundingClientRect();
    const isSeen = box.bottom > edge() && box.top < innerHeight;
    return isSeen || performance.now() < arrival ? place.closest("section[id]") : null;
  };
  const go = (step) => {
    // Some pixels of tolerance for the space above a section that was gone to
    const line = edge() + 24;
    const at = sections.indexOf(named());
    let next;
    if (at >= 0) next = sections[at + step];
    else if (step > 0) next = sections.find((section) => top(section) > line);
    else next = sections.findLast((section) => top(section) < edge() - 1);
    // Going to an address moves the focus along and leaves no trail of places to go back through.
    if (!next) return;
    location.replace("#" + encodeURIComponent(next.id));
    // A page that glides is not there yet when a key is held; who scrolls meanwhile goes elsewhere.
    if (getComputedStyle(root).scrollBehavior === "smooth") arrival = performance.now() + 1000;
  };
  for (const event of ["wheel", "touchmove"]) {
    addEventListener(event, () => (arrival = 0), { passive: true });
  }

  // Another language opens at the place that is being read.
  const languages = all(".top-languages a");
  const keepPlace = () => {
    let hash = location.hash;
    if (!named()) {
      const line = edge() + 24;
      const here = sections.findLast((section) => top(section) < line);
      hash = scrollY > 0 && here ? "#" + encodeURIComponent(here.id) : "";
    }
    for (const link of languages) link.hash = hash;
  };
  for (const link of languages) {
    for (const event of ["pointerdown", "focus", "click"]) link.addEventListener(event, keepPlace);
  }

  // A click on a name in code marks the same name all over the page. Nothing is added to the page,
  // so what is copied stays as it was.
  const WORD = /[\p{L}_][\p{L}\p{N}_]*/gu;
  const IS_NO_NAME = /^t-(k|s|c|m|l|o|bp)/;
  const isName = (text) => !IS_NO_NAME.test(text.parentElement.className);
  const words = function* (text) {
    for (const word of text.data.matchAll(WORD)) yield [word[0], word.index];
  };
  const unmark = () => CSS.highlights?.delete("occ-name");
  const mark = (name) => {
    const ranges = [];
    for (const code of all(".row-code code")) {
      const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const text = walker.currentNode;
        if (!text.data.includes(name) || !isName(text)) continue;
        for (const [word, start] of words(text)) {
          if (word === name) {
            const range = new Range();
            range.setStart(text, start);
            range.setEnd(text, start + name.length);
            ranges.push(range);
          }
        }
      }
    }
    CSS.highlights.set("occ-name", new Highlight(...ranges));
  };
  const clicked = (event) => {
    const { clientX: x, clientY: y } = event;
    const place = document.caretPositionFromPoint?.(x, y);
    const range = place ? null : document.caretRangeFromPoint?.(x, y);
    const text = place?.offsetNode ?? range?.startContainer;
    const offset = place?.offset ?? range?.startOffset;
    if (text?.nodeType !== Node.TEXT_NODE || !isName(text)) return null;
    for (const [word, start] of words(text)) {
      if (start <= offset && offset <= start + word.length) return word;
    }
    return null;
  };
  document.addEventListener("click", (event) => {
    if (!CSS.highlights || !event.target.closest(".row-code code")) return;
    if (!getSelection().isCollapsed) return;
    unmark();
    const name = clicked(event);
    if (name) mark(name);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") unmark();
    if (event.key !== "j" && event.key !== "k") arrival = 0;
    if (root.dataset.keys) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "/") {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === "t") changeTheme();
    else if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
  });
})();
