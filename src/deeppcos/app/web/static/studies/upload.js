"use strict";
// Sends the files of a study one by one, so that a lost connection loses at most one of them.
// Without this script the form sends everything at once.
(() => {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  const drop = form.querySelector("[data-drop]");
  const list = form.querySelector("[data-list]");
  const state = form.querySelector("[data-state]");
  const words = form.querySelector("[data-words]");
  const bar = state.querySelector("progress");
  const texts = form.querySelector("[data-texts]").dataset;
  const start = form.querySelector("[data-start]");
  const picker = form.querySelector("#files");
  const folder = form.querySelector("#folder");
  const done = form.querySelector("[data-done]");
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;

  /** @type {{file: File, name: string, row: HTMLElement, is: string}[]} */
  const files = [];
  let addresses = form.dataset.files ? { files: form.dataset.files, read: form.dataset.read, study: form.dataset.study } : null;
  let busy = false;

  const size = (bytes) => bytes > 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;

  const mark = (entry, is, reason = "") => {
    entry.is = is;
    entry.row.className = `upload-${is}`;
    entry.row.querySelector(".is").textContent = texts[is];
    entry.row.querySelector(".why").textContent = reason;
    entry.row.querySelector("button").hidden = is !== "waiting";
  };

  const add = (file, name) => {
    const shown = name || file.webkitRelativePath || file.name;
    if (files.some((other) => other.name === shown && other.file.size === file.size)) return;
    const row = document.createElement("li");
    for (const part of ["name", "size", "is", "why"]) {
      const span = document.createElement("span");
      span.className = part;
      row.append(span);
    }
    row.querySelector(".name").textContent = shown;
    row.querySelector(".size").textContent = size(file.size);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "quiet-button";
    remove.textContent = texts.remove;
    remove.setAttribute("aria-label", `${texts.remove}: ${shown}`);
    row.append(remove);
    const entry = { file, name: shown, row, is: "waiting" };
    remove.addEventListener("click", () => {
      files.splice(files.indexOf(entry), 1);
      row.remove();
    });
    files.push(entry);
    list.append(row);
    mark(entry, "waiting");
    if (addresses && !busy) {
      start.textContent = texts.again;
      start.disabled = false;
    }
  };

  const walk = async (entry, path) => {
    if (entry.isFile) {
      const file = await new Promise((give, fail) => entry.file(give, fail));
      if (!file.name.startsWith(".")) add(file, path + file.name);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const part = await new Promise((give, fail) => reader.readEntries(give, fail));
      if (!part.length) return;
      for (const child of part) await walk(child, `${path}${entry.name}/`);
    }
  };

  picker.removeAttribute("name");
  const folderLabel = form.querySelector("label.folder");
  if ("webkitdirectory" in folder) folderLabel.hidden = false;
  for (const input of [picker, folder]) {
    input.addEventListener("change", () => {
      for (const file of input.files) add(file);
      input.value = "";
    });
  }
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    const plain = [...event.dataTransfer.files];
    if (entries.every(Boolean) && entries.length) {
      for (const entry of entries) await walk(entry, "");
    } else {
      for (const file of plain) add(file);
    }
  });

  const asked = (address, body, onProgress) => new Promise((give, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token);
    request.responseType = "json";
    if (onProgress) request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("load", () => give({ status: request.status, body: request.response }));
    request.addEventListener("error", () => fail(new Error("lost")));
    request.send(body);
  });

  const said = (problem) => problem && [problem.what, problem.remedy].filter(Boolean).join(". ");

  const sendOne = async (entry, sent, total) => {
    // A server may close the line on what is too large; that would look like a lost connection.
    if (entry.file.size >= Number(texts.largest)) {
      mark(entry, "refused", texts.huge);
      return;
    }
    mark(entry, "sending");
    const body = new FormData();
    body.append("files", entry.file, entry.name.split("/").slice(-2).join("_"));
    const answer = await asked(addresses.files, body, (loaded) => { bar.value = (sent + loaded) / total; });
    if (answer.status >= 500 || !answer.body) throw new Error(said(answer.body?.problem) || "lost");
    if (answer.body.problem) {
      mark(entry, "refused", said(answer.body.problem));
      return;
    }
    const { kept, known, refused, chart_from: chart } = answer.body;
    const why = refused.map((one) => one.reason).join("; ");
    if (chart) mark(entry, "chart", why);
    else if (kept.length) mark(entry, "kept", why);
    else if (known.length) mark(entry, "known");
    else mark(entry, "refused", why);
  };

  const sendAll = async () => {
    const waiting = files.filter((entry) => entry.is === "waiting" || entry.is === "sending");
    const total = waiting.reduce((sum, entry) => sum + entry.file.size, 1);
    let sent = 0;
    state.hidden = false;
    bar.hidden = false;
    done.hidden = true;
    for (const [number, entry] of waiting.entries()) {
      words.textContent = `${number + 1} / ${waiting.length}: ${entry.name}`;
      await sendOne(entry, sent, total);
      sent += entry.file.size;
      bar.value = sent / total;
    }
  };

  const begin = async () => {
    const fields = new FormData(form);
    fields.delete("files");
    const answer = await asked(form.action || location.href, fields);
    if (answer.status === 201) {
      addresses = answer.body;
      history.replaceState(null, "", addresses.study);
      for (const field of form.querySelectorAll("input:not([type=file]):not([type=hidden]), select")) field.disabled = true;
      return true;
    }
    HTMLFormElement.prototype.submit.call(form);
    return false;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    start.disabled = true;
    try {
      if (!addresses && !(await begin())) return;
      await sendAll();
      const isKept = files.some((entry) => ["kept", "known"].includes(entry.is));
      if (isKept) await asked(addresses.read, new FormData());
      if (files.some((entry) => entry.is === "refused" || entry.row.querySelector(".why").textContent)) {
        const isCharted = files.some((entry) => entry.is === "chart");
        words.textContent = isKept ? texts.some : isCharted ? texts.chartonly : texts.none;
        bar.hidden = true;
        done.href = addresses.study;
        done.hidden = false;
        start.disabled = true; // until other files are chosen
      } else {
        location.href = addresses.study;
      }
    } catch (problem) {
      for (const entry of files.filter((one) => one.is === "sending")) mark(entry, "waiting");
      words.textContent = problem.message === "lost" ? texts.lost : problem.message;
      start.textContent = texts.again;
      start.disabled = false;
    } finally {
      busy = false;
    }
  });
})();
