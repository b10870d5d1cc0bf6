// What the theme leaves out: the keyboard's way to what scrolls, a search for what people
// paste, and a chooser of versions.

// The theme does this for the code that is seen, and for no table, diagram or row of tabs.
const scrolls = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document$.subscribe(() => {
  scrolls.disconnect();
  const may = "pre > code, .md-typeset__scrollwrap, .tabbed-labels";
  for (const each of document.querySelectorAll(may)) scrolls.observe(each);
});

// The search wants every word. Of a pasted error the remedy and the values differ: what is
// behind the semicolon or in parentheses, numbers, paths, hosts and ARNs. And it counts how
// many words stand together, for which a word that comes twice is an end: it is left out.
const differs = /\([^)]*\)|\S*[\d/@:=]\S+|\S*\d\S*/g;
document.addEventListener(
  "paste",
  (event) => {
    const [field] = event.composedPath();
    if (!(field.getRootNode() instanceof ShadowRoot)) return;
    event.preventDefault();
    const [cause] = event.clipboardData.getData("text/plain").split(";");
    const words = cause.replace(differs, " ").toLowerCase().split(/\s+/);
    const once = words.filter((word) => words.indexOf(word) === words.lastIndexOf(word));
    document.execCommand("insertText", false, once.join(" ").trim() || cause);
  },
  true,
);

// versions.js beside the versions says which there are, and which pages each has. It is a
// script, since a page that was opened from a file may load no other file.
const config = JSON.parse(document.getElementById("__config").textContent);
const version = new URL(`${config.base}/`, location.href);
const list = document.createElement("script");
list.src = new URL("../versions.js", version).href;
list.onload = () => {
  const here = decodeURIComponent(version.pathname.split("/").at(-2));
  const chooser = document.createElement("select");
  chooser.className = "versions";
  chooser.ariaLabel = "Version";
  for (const name of Object.keys(window.dockcredVersions)) {
    chooser.add(new Option(name, name, name === here, name === here));
  }
  chooser.onchange = () => {
    const page = location.pathname.slice(version.pathname.length) || "index.html";
    const has = window.dockcredVersions[chooser.value].includes(page);
    const to = new URL(`../${chooser.value}/${has ? page : "index.html"}`, version);
    location.assign(has ? to.href + location.hash : to.href);
  };
  document.querySelector(".md-header__title").after(chooser);
};
document.head.append(list);
