# What the reference scripts share: how numbers, names and versions leave R.
# Run every script from this folder, for example: Rscript binary.R

# jsonlite rounds to 15 digits; 17 are needed to read back the same double.
write_reference <- function(content, path, packages) {
  content <- c(list(made_with = versions(packages)), content)
  writeLines(as_json(content), path)
  stopifnot(identical(
    leaves(jsonlite::fromJSON(path, simplifyVector = FALSE)), leaves(content)
  ))
}

# A list is an object (or an array when it has no names), a matrix an array of
# rows, a vector of one value a scalar unless it is wrapped in I().
as_json <- function(x, depth = 0) {
  if (is.null(x)) return("null")
  if (is.list(x)) return(json_list(x, depth))
  if (is.matrix(x)) {
    rows <- apply(x, 1, function(row) json_array(json_scalars(row)))
    return(json_block(rows, depth, "[", "]"))
  }
  values <- json_scalars(x)
  if (length(values) == 1 && !inherits(x, "AsIs")) values else json_array(values)
}

json_list <- function(x, depth) {
  values <- vapply(x, as_json, "", depth = depth + 1)
  if (is.null(names(x))) return(json_block(values, depth, "[", "]"))
  json_block(paste0(json_scalars(names(x)), ": ", values), depth, "{", "}")
}

json_block <- function(parts, depth, open, close) {
  inside <- strrep(" ", depth + 1)
  paste0(open, "\n", paste0(inside, parts, collapse = ",\n"), "\n",
         strrep(" ", depth), close)
}

json_array <- function(values) paste0("[", paste(values, collapse = ", "), "]")

json_scalars <- function(x) {
  if (is.character(x)) return(encodeString(x, quote = '"'))
  if (is.logical(x)) return(ifelse(is.na(x), "null", tolower(x)))
  stopifnot(is.numeric(x))
  ifelse(is.finite(x), sprintf("%.17g", x), "null")
}

# Every finite number in reading order: what must survive the way to disk.
leaves <- function(x) {
  if (is.list(x)) return(as.numeric(unlist(lapply(x, leaves))))
  if (!is.numeric(x)) return(numeric())
  x <- if (is.matrix(x)) as.numeric(t(x)) else as.numeric(x)
  x[is.finite(x)]
}

versions <- function(packages) {
  found <- lapply(packages, function(p) as.character(packageVersion(p)))
  c(list(R = paste(R.version$major, R.version$minor, sep = ".")),
    setNames(found, packages))
}

named <- function(values, terms = names(values)) {
  as.list(setNames(as.numeric(values), terms))
}
