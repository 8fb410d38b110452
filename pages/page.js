"use strict";
(function () {
  const root = document.documentElement;
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch (e) { /* a file may have no storage */ } };
  const kept = (name) => { try { return localStorage.getItem(name); } catch (e) { return null; } };
  const setLanguage = (value) => { root.lang = value; field.placeholder = field.dataset[value]; keep("language", value); };
  const field = document.getElementById("search");
  const hits = document.getElementById("hits");
  if (kept("theme")) root.dataset.theme = kept("theme");
  const asked = new URLSearchParams(location.search).get("lang");
  setLanguage(asked || kept("language") || (navigator.language.startsWith("id") ? "id" : "en"));
  document.getElementById("theme").onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    keep("theme", root.dataset.theme);
  };
  document.getElementById("language").onclick = () => setLanguage(root.lang === "en" ? "id" : "en");
  const index = Array.from(document.querySelectorAll("[data-find]"), (element) => ({
    name: element.dataset.find, note: element.dataset.note || "", link: "#" + element.id,
    text: (element.dataset.find + " " + (element.dataset.note || "")).toLowerCase(),
  }));
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    hits.hidden = !words.length;
    if (!words.length) return;
    const found = index.filter((entry) => words.every((word) => entry.text.includes(word)));
    const rank = (entry) => (entry.name.toLowerCase().startsWith(words[0]) ? 0 : entry.name.toLowerCase().includes(words[0]) ? 1 : 2);
    found.sort((a, b) => rank(a) - rank(b));
    hits.replaceChildren(...found.slice(0, 60).map((entry) => {
      const item = document.createElement("li"), link = document.createElement("a"), note = document.createElement("small");
      link.href = entry.link; link.textContent = entry.name; note.textContent = entry.note;
      link.append(note); item.append(link);
      return item;
    }));
    if (!found.length) { const item = document.createElement("li"); item.textContent = hits.dataset[root.lang]; hits.append(item); }
  };
  field.oninput = show;
  field.onkeydown = (event) => {
    const first = hits.querySelector("a");
    if (event.key === "Enter" && first) first.click();
    if (event.key === "ArrowDown" && first) { first.focus(); event.preventDefault(); }
    if (event.key === "Escape") { field.value = ""; show(); }
  };
  hits.onkeydown = (event) => {
    const item = document.activeElement.parentElement;
    const next = event.key === "ArrowDown" ? item.nextElementSibling : event.key === "ArrowUp" ? item.previousElementSibling : null;
    if (next) { next.firstElementChild.focus(); event.preventDefault(); }
    if (event.key === "Escape") { field.focus(); field.value = ""; show(); }
  };
  hits.onclick = () => { hits.hidden = true; };
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) { field.focus(); event.preventDefault(); }
  });
})();
