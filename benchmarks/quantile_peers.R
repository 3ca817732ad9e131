# Times quantreg with preprocessing (pfn) for bench_quantile.py:
# Rscript --vanilla quantile_peers.R homes.csv coefficients|nid runs

suppressPackageStartupMessages(library(quantreg))
asked <- commandArgs(trailingOnly = TRUE)
homes <- if (requireNamespace("data.table", quietly = TRUE))
  as.data.frame(data.table::fread(asked[1])) else read.csv(asked[1])
X <- cbind(1, as.matrix(homes[setdiff(names(homes), "y")]))
y <- homes$y
formula <- reformulate(setdiff(names(homes), "y"), "y")

work <- if (asked[2] == "coefficients") function() {
  rq.fit(X, y, tau = 0.5, method = "pfn")$coefficients
} else function() {
  taus <- c(0.3, 0.5, 0.7, 0.9)
  fits <- lapply(taus, function(t) rq(formula, t, homes, method = "pfn"))
  errors <- lapply(fits, function(f) summary(f, se = "nid")$coefficients[, 2])
  c(unlist(lapply(fits, coef)), unlist(errors))
}

# Subsamples are drawn.
set.seed(1)
numbers <- work()
seconds <- replicate(as.integer(asked[3]), {
  started <- proc.time()[["elapsed"]]
  work()
  proc.time()[["elapsed"]] - started
})
digits <- function(x) paste(sprintf("%.17g", x), collapse = ", ")
cat(sprintf('{"seconds": [%s], "numbers": [%s], "version": "quantreg %s, R %s.%s"}',
            digits(seconds), digits(numbers), as.character(packageVersion("quantreg")),
            R.version$major, R.version$minor))
