# Known answers for differences in differences: writes did.json.
# Reads lalonde.csv (earnings of 1975 and 1978 as two waves) and grunfeld.csv (a panel
# of firms, in which a made-up programme starts in 1945 or at different times).

suppressPackageStartupMessages({
  library(sandwich)
})
source("common.R")

# ---- PSM-DID: re75 before, re78 after, score without re75 ------------------------

wide <- read.csv("lalonde.csv", row.names = 1)
names_x <- c("age", "educ", "black", "hispan", "married", "nodegree", "re74")
X <- cbind("(Intercept)" = 1, as.matrix(wide[names_x]))
scale <- sqrt(colMeans(X^2))
Z <- sweep(X, 2, scale, "/")
q <- 2 * wide$treat - 1
beta <- coef(suppressWarnings(glm(wide$treat ~ Z - 1, family = binomial("probit"))))
for (step in 1:20) {  # glm stops when the deviance stands still: settle all digits
  index <- q * as.vector(Z %*% beta)
  u <- exp(dnorm(index, log = TRUE) - pnorm(index, log.p = TRUE))
  beta <- beta + solve(crossprod(Z, u * (u + index) * Z), crossprod(Z, q * u))
}
score <- pnorm(as.vector(Z %*% beta))
on <- wide$treat == 1
kernels <- list(
  normal = function(d) dnorm(d / 0.06),
  epanechnikov = function(d) pmax(1 - (d / 0.06)^2, 0)
)
weights_by <- function(kernel, inside) {
  W <- kernel(outer(score[on & inside], score[!on], "-"))
  out <- as.numeric(on & inside)
  matched <- rowSums(W) > 0
  out[on & inside] <- as.numeric(matched)
  W <- W[matched, , drop = FALSE]
  out[!on] <- colSums(W / rowSums(W))
  out
}
long <- data.frame(
  unit = rep(rownames(wide), 2), treated = rep(wide$treat, 2),
  post = rep(0:1, each = nrow(wide)), y = c(wide$re75, wide$re78)
)
differences <- function(w) {
  long$w <- rep(w, 2)
  fit <- lm(y ~ post * treated, long[long$w > 0, ], weights = w)
  L <- rbind(before = c(0, 0, 1, 0), after = c(0, 0, 1, 1), did = c(0, 0, 0, 1))
  by_unit <- vcovCL(fit, cluster = ~unit, type = "HC1")
  list(estimate = named(L %*% coef(fit), rownames(L)),
       plain = named(sqrt(diag(L %*% vcov(fit) %*% t(L))), rownames(L)),
       clustered = named(sqrt(diag(L %*% by_unit %*% t(L))), rownames(L)))
}
everyone <- rep(TRUE, nrow(wide))
common <- !on | (score >= min(score[!on]) & score <= max(score[!on]))
psm <- list(
  unmatched = differences(rep(1, nrow(wide))),
  normal = differences(weights_by(kernels$normal, everyone)),
  normal_common = differences(weights_by(kernels$normal, common)),
  epanechnikov = differences(weights_by(kernels$epanechnikov, everyone))
)

# ---- two-way effects: dummies by lm, clusters by sandwich ---------------------------

firms <- read.csv("grunfeld.csv")
firms$treated <- as.numeric(firms$firm %in% c("1", "3", "5", "8"))
firms$post <- as.numeric(firms$year >= 1945)
firms$att <- firms$treated * firms$post
# sandwich counts all coefficients; unit effects lie within clusters and do not count.
clustered <- function(fit, firms, counted) {
  n <- nrow(firms)
  k <- length(coef(fit))
  vcovCL(fit, cluster = ~firm, type = "HC1") * (n - k) / (n - counted)
}
of_fit <- function(fit, terms, periods) {
  V <- clustered(fit, firms, length(terms) + periods)
  list(estimate = named(coef(fit)[terms]), std_error = named(sqrt(diag(V)[terms])),
       iid = named(sqrt(diag(vcov(fit))[terms])))
}
years <- length(unique(firms$year))
plain <- lm(inv ~ att + factor(firm) + factor(year), firms)
covariates <- lm(inv ~ att + value + capital + factor(firm) + factor(year), firms)
# Seen from 1942 on, with a firm's missing years: an unbalanced panel.
firms_all <- firms
firms <- firms_all[firms_all$year >= 1942 & !(firms_all$firm == "2" & firms_all$year > 1950), ]
relative <- setdiff(sort(unique(firms$year)) - 1945, -1)
for (r in relative) {
  firms[[paste0("event", r + 100)]] <- firms$treated * (firms$year - 1945 == r)
}
events <- paste0("event", relative + 100)
study <- lm(reformulate(c(events, "value", "factor(firm)", "factor(year)"), "inv"), firms)
V <- clustered(study, firms, length(events) + 1 + length(unique(firms$year)))
leads <- events[relative < 0]
wald <- coef(study)[leads] %*% solve(V[leads, leads], coef(study)[leads]) / length(leads)
event_study <- list(
  relative = relative, estimate = as.numeric(coef(study)[events]),
  std_error = as.numeric(sqrt(diag(V)[events])), leads_f = as.numeric(wald),
  leads_p = pf(as.numeric(wald), length(leads), length(unique(firms$firm)) - 1,
               lower.tail = FALSE)
)
firms <- firms_all

# ---- staggered adoption: imputation (Gardner 2022) by lm ------------------------------

first <- c("1" = 1942, "3" = 1945, "5" = 1945, "8" = 1949)
firms$first <- as.numeric(first[as.character(firms$firm)])
firms$on <- as.numeric(!is.na(firms$first) & firms$year >= firms$first)
untreated <- lm(inv ~ value + factor(firm) + factor(year), firms[firms$on == 0, ])
gap <- firms$inv - predict(untreated, firms)
twfe <- lm(inv ~ on + value + factor(firm) + factor(year), firms)
since <- ifelse(is.na(firms$first), NA, firms$year - firms$first)
by_time <- tapply(gap[firms$on == 1], since[firms$on == 1], mean)
staggered <- list(
  att = mean(gap[firms$on == 1]), twfe = as.numeric(coef(twfe)["on"]),
  since = as.numeric(names(by_time)), effect = as.numeric(by_time)
)

write_reference(
  list(psm_did = psm,
       two_way = list(plain = of_fit(plain, "att", years),
                      covariates = of_fit(covariates, c("att", "value", "capital"), years)),
       event_study = event_study, staggered = staggered),
  "did.json", c("sandwich", "jsonlite")
)
