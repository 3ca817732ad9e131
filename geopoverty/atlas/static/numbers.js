// Numbers as readers write them: fixed decimals, a true minus, never "-0".
geopoverty.numbers = (() => {
  const MINUS = "\u2212";
  const THIN_SPACE = "\u202f";
  const formats = new Map();

  function format(digits) {
    if (!formats.has(digits)) {
      formats.set(digits, new Intl.NumberFormat("en", {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }));
    }
    return formats.get(digits);
  }

  function plain(value, digits = 0) {
    const text = format(digits).format(value);
    return text.replace("-", /[1-9]/.test(text) ? MINUS : "");
  }

  // For axes: 80 million as "80M".
  const COMPACT = new Intl.NumberFormat("en", {
    notation: "compact", maximumSignificantDigits: 4,
  });
  const brief = (value, digits) =>
    (Math.abs(value) < 10000 ? plain(value, digits) : COMPACT.format(value).replace("-", MINUS));

  const withUnit = (value, { digits, unit }) =>
    plain(value, digits) + (unit ? THIN_SPACE + unit : "");

  const pValue = (p) => (p < 0.001 ? "p < 0.001" : `p = ${plain(p, 3)}`);

  return { plain, brief, withUnit, pValue };
})();
