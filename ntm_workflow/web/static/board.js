// The board keeps itself up to date: every minute, while somebody looks at it, the same
// page is read again and the parts marked data-live that have changed are put in place.
// What has the focus keeps it, open folds stay open, the page stays where it is, and a
// part in which somebody has typed is left alone. Ends when the session does.
(() => {
  "use strict";
  const EVERY = 60_000; // milliseconds
  const parts = (root) => new Map([...root.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part]));
  let readAt = Date.now();
  let timer = 0;
  let reading = false;

  function typedIn(part) {
    return [...part.querySelectorAll("input, textarea, select")].some((field) =>
      field.type === "checkbox" || field.type === "radio"
        ? field.checked !== field.defaultChecked
        : field.tagName === "SELECT"
          ? [...field.options].some((one) => one.selected !== one.defaultSelected)
          : field.value !== field.defaultValue);
  }

  // What somebody holds: by what it leads to or is called, else by its place among its kind.
  function alike(root, held) {
    const same = [...root.querySelectorAll(held.tagName)];
    const key = (one) => one.id || one.getAttribute("href") || one.name || one.textContent;
    return same.find((one) => key(one) === key(held));
  }

  function put(part, fresh) {
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    for (const open of part.querySelectorAll("details[open] > summary")) {
      const summary = [...fresh.querySelectorAll("details > summary")].find((one) => one.textContent === open.textContent);
      if (summary) summary.parentElement.open = true;
    }
    part.replaceChildren(...document.importNode(fresh, true).childNodes);
    if (held) alike(part, held)?.focus({ preventScroll: true });
  }

  async function read() {
    if (reading || document.hidden) return;
    reading = true;
    try {
      const answer = await fetch(location.href, { headers: { "x-quiet": "1" }, redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status)) return stop();
      if (!answer.ok) return; // the server will be back
      const text = await answer.text();
      const next = parts(new DOMParser().parseFromString(text, "text/html"));
      const before = seen;
      seen = new Map([...next].map(([name, part]) => [name, part.innerHTML]));
      const at = [scrollX, scrollY];
      for (const [name, part] of parts(document)) {
        const fresh = next.get(name);
        if (!fresh || fresh.innerHTML === before.get(name)) continue;
        if (typedIn(part)) seen.set(name, before.get(name));
        else put(part, fresh);
      }
      scrollTo(...at);
      readAt = Date.now();
    } catch {
      // no network: the next minute tries again
    } finally {
      reading = false;
    }
  }

  function stop() {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", back);
  }

  function back() {
    if (!document.hidden && Date.now() - readAt >= EVERY) read();
  }

  let seen = new Map([...parts(document)].map(([name, part]) => [name, part.innerHTML]));
  timer = setInterval(read, EVERY);
  document.addEventListener("visibilitychange", back);
})();
