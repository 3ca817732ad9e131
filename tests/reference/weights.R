# Known answers for spatial weights, by spdep and plain R: writes weights.json,
# and simulated travel times between 12 places as weights_times.csv.

suppressPackageStartupMessages({
  library(spdep)
  library(sf)
})
source("common.R")
sf_use_s2(FALSE)

set.seed(10, kind = "Mersenne-Twister", normal.kind = "Inversion",
         sample.kind = "Rejection")
n <- 12
places <- data.frame(unit_id = sprintf("%02d", 1:n),
                     lon = round(runif(n, 100, 103), 4),
                     lat = round(runif(n, 27, 29), 4),
                     value = round(rnorm(n, 10, 3), 2))
# Minutes: not symmetric, three pairs cannot be reached, 12 is far from all others.
km <- spDists(as.matrix(places[c("lon", "lat")]), longlat = TRUE)
minutes <- round(km * runif(n * n, 1.0, 1.6) + 5, 1)
minutes[12, ] <- minutes[12, ] + 600; minutes[, 12] <- minutes[, 12] + 600
minutes[cbind(c(1, 5, 7), c(9, 2, 3))] <- NA
diag(minutes) <- NA
stopifnot(apply(minutes, 1, function(t) !anyDuplicated(t[!is.na(t)])))
known <- which(!is.na(minutes), arr.ind = TRUE)
known <- known[order(known[, 1], known[, 2]), ]
write.csv(data.frame(from_id = places$unit_id[known[, 1]],
                     to_id = places$unit_id[known[, 2]],
                     travel_time = minutes[known]),
          "weights_times.csv", row.names = FALSE, quote = FALSE)

# ---- standardise and describe ------------------------------------------------

by_rows <- function(raw) {
  listw <- suppressWarnings(mat2listw(raw, style = "W"))
  found <- matrix(listw2mat(listw), nrow(raw))
  sums <- rowSums(raw)
  stopifnot(all.equal(found, raw / ifelse(sums == 0, 1, sums)))
  found
}
by_spectrum <- function(raw) raw / max(Mod(eigen(raw, only.values = TRUE)$values))

# A defective matrix has eigenvalues good to 1e-5 only: none is used here.
real_parts <- function(w) {
  values <- Re(eigen(w, only.values = TRUE)$values)
  turned <- Re(eigen(t(w), only.values = TRUE)$values)
  stopifnot(abs(range(values) - range(turned)) < 1e-12)
  values
}

facts <- function(w, x) {
  values <- real_parts(w)
  squares <- rowSums(w^2)
  list(links = sum(w > 0), islands = sum(rowSums(w) == 0),
       row_sums = rowSums(w),
       effective_neighbors = ifelse(squares > 0, rowSums(w)^2 / squares, 0),
       eigenvalue_min = min(values), eigenvalue_max = max(values),
       sd_ratio = sd(w %*% x) / sd(x), lag = drop(w %*% x))
}

describe <- function(raw, x = places$value) {
  raw[is.na(raw)] <- 0
  raw <- matrix(raw, nrow(raw))
  kinds <- list(none = raw, row = by_rows(raw), spectral = by_spectrum(raw))
  lapply(kinds, function(w) list(matrix = unname(w), facts = facts(w, x)))
}

# ---- travel times ------------------------------------------------------------

within <- function(reach) ifelse(minutes <= reach, minutes, NA)
nearest <- function(k) {
  t(apply(minutes, 1, function(t) ifelse(rank(t, na.last = TRUE) <= k, t, NA)))
}
travel <- list(
  inverse = describe(1 / minutes),
  power_2 = describe(minutes^-2),
  exponential_60 = describe(exp(-minutes / 60)),
  gaussian_60 = describe(exp(-0.5 * (minutes / 60)^2)),
  binary_cutoff_180 = describe(1 * (minutes <= 180)),
  inverse_cutoff_180 = describe(1 / within(180)),
  inverse_nearest_3 = describe(1 / nearest(3)),
  binary_nearest_3 = describe(ifelse(is.na(nearest(3)), 0, 1)),
  inverse_cutoff_100_nearest_3 = describe(
    1 / ifelse(!is.na(within(100)), nearest(3), NA))
)

# ---- nearest on the sphere, and borders --------------------------------------

binary <- function(nb) nb2mat(nb, style = "B", zero.policy = TRUE)
points <- as.matrix(places[c("lon", "lat")])
# spdep measures on the ellipsoid; these places have no near ties, so that a
# sphere must give the same neighbours.
on_sphere <- function(k) {
  r <- points * pi / 180
  xyz <- cbind(cos(r[, 2]) * cos(r[, 1]), cos(r[, 2]) * sin(r[, 1]), sin(r[, 2]))
  apart <- as.matrix(dist(xyz)) + diag(Inf, n)
  1 * t(apply(apart, 1, rank) <= k)
}
nearest_places <- function(k) {
  found <- binary(knn2nb(knearneigh(points, k, longlat = TRUE)))
  stopifnot(all(found == on_sphere(k)))
  describe(found)
}
near <- list(k1 = nearest_places(1), k4 = nearest_places(4))

# A 4 x 3 grid, one cell that touches it in a corner only, and an island.
cells <- expand.grid(x = 0:3, y = 0:2)
cells <- rbind(cells, data.frame(x = c(4, 9), y = c(3, 9)))
cells$unit_id <- sprintf("c%02d", seq_len(nrow(cells)))
box_of <- function(x, y) st_polygon(list(cbind(x + c(0, 1, 1, 0, 0),
                                               y + c(0, 0, 1, 1, 0))))
shapes <- st_sfc(Map(box_of, cells$x, cells$y))
borders <- function(queen) {
  describe(binary(poly2nb(shapes, queen = queen)), cells$x + cells$y^2)
}
grid <- unname(binary(cell2nb(4, 3, type = "queen")))
stopifnot(sum(grid) == sum(borders(TRUE)$none$matrix) - 2)

notes <- list(
  travel = paste(
    "Rows are from, columns to, in the order of units. exponential: exp(-t/60),",
    "gaussian: exp(-(t/60)^2/2). Cutoffs keep t <= cutoff; nearest: the k shortest",
    "times of a row; both: those of the k nearest within the cutoff. Unreachable",
    "pairs and the diagonal are 0."),
  kinds = "none: as it is; row: rows sum to 1; spectral: / largest |eigenvalue|.",
  facts = paste(
    "effective_neighbors: (sum w)^2 / sum w^2 of a row; eigenvalues: real parts;",
    "sd_ratio: sd(Wx)/sd(x) with n - 1 (lag = Wx; x: value of units, or x + y^2 of",
    "cells)."),
  cells = "Squares of side 1 whose lower left corner is (x, y)."
)
columns <- function(table) lapply(as.list(table), I)
write_reference(
  list(notes = notes, units = columns(places), travel = travel,
       nearest_on_sphere = near, cells = columns(cells[c("unit_id", "x", "y")]),
       queen = borders(TRUE), rook = borders(FALSE)),
  "weights.json", c("spdep", "sf", "jsonlite"))
