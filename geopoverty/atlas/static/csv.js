// A table as a CSV file that a spreadsheet reads as text and numbers, never as formulas.
geopoverty.csv = (() => {
  const { dom } = geopoverty;
  // What a spreadsheet may take for the start of a formula, also in full width.
  const FORMULA = /^[\s\u0000]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
  const SPECIAL = /[",\r\n]/;

  // Numbers stay numbers; a text that looks like a formula gets an apostrophe.
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = FORMULA.test(value) ? `'${value}` : value;
    return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  // The mark in front tells spreadsheets that the text is UTF-8.
  const text = (rows) =>
    `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;

  // What a file is called, without its ending.
  const stem = (...parts) =>
    parts.filter(Boolean).join(" ").replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-|-$/g, "").slice(0, 80) || "table";

  const fileName = (...parts) => `${stem(...parts)}.csv`;

  // Hand a file to the reader.
  function put(name, blob) {
    const url = URL.createObjectURL(blob);
    const link = dom.make("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  const save = (name, rows) => put(name, new Blob([text(rows)], { type: "text/csv" }));

  return { cell, text, stem, fileName, put, save };
})();
