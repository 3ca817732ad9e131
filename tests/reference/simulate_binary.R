# Writes the simulated households that binary.R fits: binary.csv (households),
# binary_units.csv (units) and binary_pairs.csv (pairs of units).
# Simulated: stands for no real place. Numbers are rounded before they are used,
# so that the files hold exactly what was fitted.

set.seed(20240611, kind = "Mersenne-Twister", normal.kind = "Inversion",
         sample.kind = "Rejection")
n_units <- 40; per_unit <- 10; periods <- c(2018L, 2021L)

unit_id <- sprintf("%05d", 3001L + 37L * seq_len(n_units))  # leading zeros
units <- data.frame(unit_id, x = round(runif(n_units, 0, 100), 3),
                    y = round(runif(n_units, 0, 80), 3))
units$region <- c("centre", "east", "west")[
  1 + (units$x > 66) + 2 * (units$x < 33)]
distance <- round(as.matrix(dist(units[c("x", "y")])), 6)
stopifnot(!anyDuplicated(distance[upper.tri(distance)]))

# Four nearest, row-standardised (rows sum to 1, not symmetric) ...
nearest <- t(apply(distance + diag(Inf, n_units), 1, rank)) <= 4
weight_knn <- nearest / 4
# ... and plain 1 / distance up to 15 km, so that row sums differ and a unit can
# be an island.
weight_inverse <- ifelse(distance > 0 & distance <= 15, 1 / distance, 0)
weight_inverse <- round(weight_inverse, 6)
stopifnot(any(rowSums(weight_inverse) == 0), !isSymmetric(unname(weight_knn)))

clusters <- cbind(rpois(n_units, 4), rpois(n_units, 5))
households <- expand.grid(hh = seq_len(n_units * per_unit), wave = 1:2)
home <- (households$hh - 1) %/% per_unit + 1
households$hh_id <- sprintf("h%03d", households$hh)
households$unit_id <- unit_id[home]
households$period <- periods[households$wave]
households$team <- paste0("t", sample(11:35, nrow(households), replace = TRUE))
households$region <- units$region[home]
households$x1 <- round(rnorm(nrow(households), 2, 1.2), 3)
households$x2 <- rbinom(nrow(households), 1, 0.35)
households$clusters <- clusters[cbind(home, households$wave)]
households$sampling_weight <- round(exp(rnorm(nrow(households), 0, 0.5)), 3)
lag <- (weight_knn %*% clusters)[cbind(home, households$wave)]
shock <- rnorm(n_units, 0, 0.8)[home] +
  rnorm(35, 0, 0.6)[as.integer(substring(households$team, 2))] * households$x1
index <- 2.2 - 0.5 * households$x1 + 0.6 * households$x2 -
  0.15 * households$clusters - 0.25 * lag +
  c(centre = 0, east = 0.4, west = -0.3)[households$region] + shock
households$poor <- as.integer(runif(nrow(households)) < plogis(index))

# Some households are not found again, and rows come in no order.
gone <- sample(which(households$wave == 2), 37)
households <- households[-gone, ]
households <- households[sample(nrow(households)), ]
columns <- c("hh_id", "unit_id", "period", "team", "region", "x1", "x2",
             "clusters", "sampling_weight", "poor")
write.csv(households[columns], "binary.csv", row.names = FALSE, quote = FALSE)
write.csv(units, "binary_units.csv", row.names = FALSE, quote = FALSE)

pairs <- which(diag(n_units) == 0, arr.ind = TRUE)
pairs <- pairs[order(pairs[, 1], pairs[, 2]), ]
write.csv(
  data.frame(from_id = unit_id[pairs[, 1]], to_id = unit_id[pairs[, 2]],
             distance = distance[pairs], weight_knn = weight_knn[pairs],
             weight_inverse = weight_inverse[pairs]),
  "binary_pairs.csv", row.names = FALSE, quote = FALSE
)
cars <- cbind(model = rownames(mtcars), mtcars[c("am", "wt", "hp", "cyl")])
write.csv(cars, "mtcars.csv", row.names = FALSE, quote = FALSE)
