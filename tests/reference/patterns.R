# Known answers for local Moran's I and Getis-Ord statistics, by spdep: writes
# patterns.json, and 30 places with their links as patterns.csv, patterns_links.csv.

suppressPackageStartupMessages({
  library(spdep)
  library(sf)
})
source("common.R")

set.seed(7, kind = "Mersenne-Twister", normal.kind = "Inversion",
         sample.kind = "Rejection")
n <- 30
places <- data.frame(unit_id = sprintf("%02d", 1:n),
                     x = round(runif(n, 0, 10), 3), y = round(runif(n, 0, 10), 3))
places$value <- round(20 + 2 * places$x + rnorm(n, 0, 3), 2)
places$yes <- as.integer(places$value > 30)
places$y[n] <- 60 # far from all others: without a neighbour
write.csv(places[c("unit_id", "value", "yes")], "patterns.csv",
          row.names = FALSE, quote = FALSE)

# Near places, with weights that fall with distance: neither 0/1 nor summing to 1.
d <- as.matrix(dist(places[c("x", "y")]))
raw <- ifelse(d > 0 & d < 3.5, round(1 / (1 + d), 4), 0)
near <- 1 * (raw > 0)
links <- which(raw > 0, arr.ind = TRUE)
links <- links[order(links[, 1], links[, 2]), ]
write.csv(data.frame(from_id = places$unit_id[links[, 1]],
                     to_id = places$unit_id[links[, 2]], weight = raw[links]),
          "patterns_links.csv", row.names = FALSE, quote = FALSE)

listw_of <- function(matrix, style) {
  suppressWarnings(mat2listw(matrix, style = style))
}
# G*: a place counts for itself as much as its strongest neighbour.
with_own <- function(matrix) {
  own <- matrix
  diag(own) <- apply(matrix, 1, max)
  own
}

answers <- function(x, matrix, style) {
  w <- listw_of(matrix, style)
  own <- listw_of(with_own(matrix), style)
  attr(own$neighbours, "self.included") <- TRUE
  moran <- localmoran(x, w, zero.policy = TRUE)
  list(
    ii = I(as.numeric(moran[, "Ii"])),
    ii_unbiased = I(as.numeric(
      localmoran(x, w, zero.policy = TRUE, mlvar = FALSE)[, "Ii"])),
    morans_i = moran(x, w, n, Szero(w), zero.policy = TRUE)$I,
    g = I(as.numeric(localG(x, w, zero.policy = TRUE))),
    g_star = I(as.numeric(localG(x, own, zero.policy = TRUE)))
  )
}

# In plain R: spdep 1.2.7 draws neighbours with replacement, which makes no
# permutation of the other places.
permuted <- function(x, matrix, draws = 9999) {
  weights <- matrix / pmax(rowSums(matrix), 1e-300)
  set.seed(11)
  one <- function(i) {
    near <- which(weights[i, ] > 0)
    lag <- sum(weights[i, near] * x[near])
    drawn <- replicate(draws, sum(weights[i, near] * sample(x[-i], length(near))))
    tails <- c(sum(drawn >= lag - 1e-9), sum(drawn <= lag + 1e-9))
    min(1, 2 * (min(tails) + 1) / (draws + 1))
  }
  I(vapply(1:29, one, 0))
}

content <- list(
  notes = paste(
    "ii divides by sum z^2 / n (mlvar=TRUE), ii_unbiased by sum z^2 / (n - 1).",
    "styles: B 0/1, W rows sum to 1, raw as in patterns_links.csv.",
    "Place 30 has no neighbour. p_two_sided: 9999 conditional permutations of W, in plain R.",
    "g_star: own weight is the greatest of the row, before rows are summed to 1."
  ),
  value = list(
    B = answers(places$value, near, "B"),
    W = answers(places$value, raw, "W"),
    raw = answers(places$value, raw, "M")
  ),
  yes = list(B = answers(places$yes, near, "B")),
  p_two_sided = permuted(places$value, raw)
)
write_reference(content, "patterns.json", "spdep")
