/* Handing in: the draft saves itself, a bar while files go up, a summary is proposed, the names
   of chosen files are shown.
   The page does all of its work without this. */
(() => {
  "use strict";
  const QUIET = 1500; // ms without a key until the draft is saved
  const form = () => document.querySelector("form[data-draft]");
  let timer = 0, dirty = false, sending = false;

  const tell = (text) => {
    const place = document.getElementById("ban-nhap");
    if (place && text) place.textContent = text;
  };

  async function save() {
    clearTimeout(timer);
    const one = form();
    if (!one || !dirty || sending) return;
    const typed = new FormData(one);
    for (const name of ["tep", "xac_nhan"]) typed.delete(name);
    dirty = false;
    try {
      const answer = await fetch(one.dataset.draft, {
        method: "POST", body: typed, headers: { accept: "application/json" }, keepalive: true,
      });
      if (!sending) tell((await answer.json()).said);
    } catch {
      dirty = true;
      tell(one.dataset.offline);
    }
  }

  // What the browser says of the chosen files in its own language, in the page's.
  function tellFiles() {
    for (const field of document.querySelectorAll(".file")) {
      const place = field.querySelector(".picked"), input = field.querySelector("input");
      const names = [...input.files].map((file) => file.name).join(", ");
      if (place.textContent !== (names || place.dataset.none)) place.textContent = names || place.dataset.none;
      input.title = place.textContent;
      field.classList.add("told");
    }
  }

  function changed(event) {
    const one = form();
    if (!one || event.target.form !== one || event.target.type === "file") return;
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, QUIET);
  }

  // "12/BC-UBND" is a report; a report on this task is called "Báo cáo …".
  function propose(one) {
    const { so_van_ban: number, loai: kind, trich_yeu: subject } = one.elements;
    const mark = (number.value.split("/")[1] || "").split("-")[0].trim();
    const known = [...kind.options].find((option) => option.value && option.value === mark);
    if (!known) return;
    if (!kind.value || kind.value === kind.dataset.proposed) kind.value = kind.dataset.proposed = mark;
    if (subject.value && subject.value !== subject.dataset.proposed) return;
    const about = one.dataset.content;
    const said = `${known.dataset.said} ${about.charAt(0).toLowerCase()}${about.slice(1)}`.slice(0, 500);
    subject.value = subject.dataset.proposed = said;
  }

  function show(one, text, percent, failed) {
    const place = one.querySelector(".sending");
    place.hidden = false;
    place.classList.toggle("failed", Boolean(failed));
    place.querySelector("progress").value = percent;
    place.querySelector("p").textContent = text;
  }

  function send(one) {
    clearTimeout(timer);
    sending = true;
    const request = new XMLHttpRequest();
    const failed = (said) => { sending = false; show(one, said || one.dataset.failed, 0, true); };
    request.open("POST", one.action);
    request.setRequestHeader("accept", "application/json");
    request.upload.onprogress = (event) => {
      const percent = event.lengthComputable ? Math.floor((100 * event.loaded) / event.total) : 0;
      show(one, one.dataset.percent.replace("#", percent), percent);
    };
    request.onerror = request.ontimeout = () => failed();
    request.onload = () => arrived(one, request, failed);
    show(one, one.dataset.sending, 0);
    request.send(new FormData(one));
  }

  function arrived(one, request, failed) {
    const kind = request.getResponseHeader("content-type") || "";
    if (kind.startsWith("application/json")) {
      const { to, said } = JSON.parse(request.responseText);
      if (to) location.assign(to); else failed(said);
      return;
    }
    if (request.responseURL !== one.action) return location.assign(request.responseURL);
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    if (![409, 422].includes(request.status)) return failed(page.querySelector(".lead")?.textContent);
    document.title = page.title;
    document.querySelector("main").replaceWith(page.querySelector("main"));
    tellFiles();
    document.querySelector("[role=alert]")?.focus();
    sending = false;
  }

  tellFiles();
  addEventListener("pageshow", tellFiles); // one that comes back keeps its files
  document.addEventListener("input", changed);
  document.addEventListener("change", (event) => {
    if (event.target.type === "file") tellFiles();
    if (event.target.name === "so_van_ban" && event.target.form === form()) propose(form());
    changed(event);
  });
  document.addEventListener("submit", (event) => {
    if (event.target !== form() || event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    if (!sending) send(event.target);
  });
  document.addEventListener("visibilitychange", () => document.hidden && save());
  addEventListener("online", save);
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const area = event.target.closest?.(".dropping");
      if (area) area.classList.toggle("over", name === "dragover");
    });
  }
})();
