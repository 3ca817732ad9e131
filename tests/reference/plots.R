# The smooth of scaled Schoenfeld residuals over time, as plot.cox.zph draws it
# (survival keeps it to itself, so its steps are taken here one by one).
# Run from this folder: Rscript plots.R
source("common.R")
library(survival)
library(splines)

rossi <- read.csv("rossi.csv")
fit <- coxph(Surv(week, arrest) ~ fin + age + prio, rossi)

smooth_of <- function(transform) {
  zph <- cox.zph(fit, transform = transform)
  grid <- seq(min(zph$x), max(zph$x), length = 40)
  basis <- ns(c(grid, zph$x), df = 4, intercept = TRUE)
  at_grid <- basis[1:40, ]
  at_exits <- qr(basis[-(1:40), ])
  root <- backsolve(at_exits$qr[1:4, 1:4], diag(4))
  hat <- rowSums((at_grid %*% (root %*% t(root))) * at_grid)
  terms <- lapply(setNames(nm = colnames(zph$y)), function(name) {
    i <- match(name, colnames(zph$y))
    list(
      value = as.numeric(at_grid %*% qr.coef(at_exits, zph$y[, i])),
      std_error = sqrt(zph$var[i, i] * hat)
    )
  })
  list(grid = grid, terms = terms)
}

write_reference(
  list(rossi = list(km = smooth_of("km"), identity = smooth_of("identity"))),
  "plots.json", c("survival", "splines")
)
