# Known answers for linear panels with fixed effects: writes panel.json, and the
# two data sets of plm as grunfeld.csv and produc.csv.

suppressPackageStartupMessages(library(plm))
source("common.R")

data("Grunfeld", package = "plm"); data("Produc", package = "plm")
grunfeld <- Grunfeld
produc <- Produc[c("state", "year", "pcap", "pc", "gsp", "emp", "unemp")]
write.csv(grunfeld, "grunfeld.csv", row.names = FALSE, quote = FALSE)
write.csv(produc, "produc.csv", row.names = FALSE, quote = FALSE)
# Every 7th row gone: 172 rows, no firm or year lost, effects no longer orthogonal.
ragged <- grunfeld[seq_len(nrow(grunfeld)) %% 7 != 0, ]
stopifnot(nrow(ragged) == 172, length(unique(ragged$year)) == 20)

plm_effect <- c(unit = "individual", period = "time", "two-way" = "twoways")

# Residuals of every column from the effects' dummies: the within transformation,
# balanced or not.
within_of <- function(columns, data, index, effect) {
  dummies <- switch(effect,
    unit = model.matrix(~ factor(data[[index[1]]])),
    period = model.matrix(~ factor(data[[index[2]]])),
    model.matrix(~ factor(data[[index[1]]]) + factor(data[[index[2]]])))
  list(values = qr.resid(qr(dummies), columns), rank = qr(dummies)$rank)
}

describe <- function(formula, data, index, effect, written) {
  frame <- model.frame(formula, data)
  columns <- cbind(y = model.response(frame), model.matrix(formula, frame)[, -1])
  swept <- within_of(columns, data, index, effect)
  y <- swept$values[, 1]; X <- swept$values[, -1, drop = FALSE]
  bread <- solve(crossprod(X)); beta <- drop(bread %*% crossprod(X, y))
  e <- drop(y - X %*% beta)
  model <- plm(formula, data, index = index, model = "within",
               effect = plm_effect[[effect]])
  stopifnot(all.equal(unname(beta), unname(coef(model)), tolerance = 1e-9))
  n <- nrow(X); k <- ncol(X)
  iid <- bread * sum(e^2) / (n - k - swept$rank)
  stopifnot(all.equal(c(iid), c(vcov(model)), tolerance = 1e-9))
  terms <- sub("\\s", "", colnames(X))
  found <- list(
    formula = written, effects = effect, terms = terms,
    coefficients = named(beta, terms),
    facts = list(
      n_obs = n, n_units = length(unique(data[[index[1]]])),
      n_periods = length(unique(data[[index[2]]])), n_slopes = k,
      n_effects = swept$rank, r2_within = 1 - sum(e^2) / sum(y^2),
      rmse = sqrt(mean(e^2)), sigma = sqrt(sum(e^2) / (n - k - swept$rank)),
      residual_df = n - k - swept$rank),
    vcov = c(list(iid = iid), robust(X, e, bread, data, index, effect, swept$rank))
  )
  check_plm(model, found$vcov, effect)
  found$vcov <- unbox(found$vcov)
  found
}

# K counts the slopes and the effects that are not nested in the clusters (unit
# effects are nested in units, period effects in periods); of nested effects one
# is left, the constant, as in Stata's xtreg and reghdfe and in R's fixest.
robust <- function(X, e, bread, data, index, effect, rank) {
  n <- nrow(X); k <- ncol(X); score <- X * e
  cover <- function(meat) bread %*% meat %*% bread
  sums <- function(group) cover(crossprod(rowsum(score, as.character(group))))
  count <- c(unit = length(unique(data[[index[1]]])),
             period = length(unique(data[[index[2]]])))
  one_way <- function(by) {
    G <- count[[by]]; nested <- if (effect %in% c(by, "two-way")) G - 1 else 0
    K <- k + rank - nested
    raw <- sums(data[[index[[match(by, names(count))]]]])
    list(n_clusters = G, K = K, no_factor = raw,
         factor = G / (G - 1) * (n - 1) / (n - K),
         adjusted = raw * G / (G - 1) * (n - 1) / (n - K),
         groups_only = raw * G / (G - 1))
  }
  hc0 <- cover(crossprod(score))
  list(hc0 = hc0, hc1 = hc0 * n / (n - k - rank), hc1_slopes = hc0 * n / (n - k),
       cluster_unit = one_way("unit"), cluster_period = one_way("period"))
}

check_plm <- function(model, vcov, effect) {
  same <- function(a, b) {
    stopifnot(isTRUE(all.equal(c(a), c(b), tolerance = 1e-9)))
  }
  if (effect == "two-way") return(invisible())
  same(vcov$hc0, vcovHC(model, method = "white1", type = "HC0"))
  same(vcov$cluster_unit$no_factor,
       vcovHC(model, method = "arellano", type = "HC0", cluster = "group"))
  same(vcov$cluster_period$no_factor,
       vcovHC(model, method = "arellano", type = "HC0", cluster = "time"))
}

unbox <- function(x) if (is.list(x)) lapply(x, unbox) else unname(x)

all_effects <- function(formula, data, index, written) {
  kinds <- names(plm_effect)
  setNames(lapply(kinds, function(kind)
    describe(formula, data, index, kind, written)), kinds)
}

invest <- inv ~ value + capital
product <- log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp
notes <- list(
  data = paste(
    "grunfeld.csv: unit firm, period year, 10 x 20. grunfeld_ragged: the same",
    "without every 7th row (rows 7, 14, ... counted from 1). produc.csv: unit",
    "state, period year, 48 x 17."),
  iid = "sigma^2 (X'X)^-1 of the demeaned X, residual df = n - slopes - effects.",
  n_effects = "Columns the effects take: units, periods, or units + periods - 1.",
  hc1 = "hc0 x n / (n - slopes - effects); hc1_slopes: hc0 x n / (n - slopes).",
  cluster = paste(
    "adjusted = no_factor x factor, factor = G/(G-1) x (n-1)/(n-K): Stata's and",
    "fixest's rule. K = slopes + effects, where effects nested in the clusters",
    "count 1 in all (the constant): clusters by unit give K = slopes + 1 with",
    "unit effects, slopes + periods with period or two-way effects.",
    "groups_only = no_factor x G/(G-1)."),
  r2_within = "1 - RSS / TSS of the demeaned outcome."
)
write_reference(
  list(notes = notes,
       grunfeld = all_effects(invest, grunfeld, c("firm", "year"),
                              "inv ~ value + capital"),
       grunfeld_ragged = all_effects(invest, ragged, c("firm", "year"),
                                     "inv ~ value + capital"),
       produc = all_effects(product, produc, c("state", "year"),
                            "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp")),
  "panel.json", c("plm", "jsonlite")
)
