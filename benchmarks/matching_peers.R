# Times matching on a given score for bench_matching.py:
# Rscript --vanilla matching_peers.R homes.csv Matching|MatchIt runs

asked <- commandArgs(trailingOnly = TRUE)
homes <- read.csv(asked[1])
y <- homes$y
treated <- homes$treated
score <- homes$score

work <- if (asked[2] == "Matching") function() {
  found <- Matching::Match(y, treated, score, M = 1, ties = TRUE,
                           distance.tolerance = 0)
  as.numeric(found$est)
} else function() {
  found <- MatchIt::matchit(treated ~ score, homes, distance = score, replace = TRUE)
  partner <- match(found$match.matrix[, 1], rownames(homes))
  mean(y[match(rownames(found$match.matrix), rownames(homes))] - y[partner])
}

numbers <- work()
seconds <- replicate(as.integer(asked[3]), {
  started <- proc.time()[["elapsed"]]
  work()
  proc.time()[["elapsed"]] - started
})
digits <- function(x) paste(sprintf("%.17g", x), collapse = ", ")
cat(sprintf('{"seconds": [%s], "numbers": [%s], "version": "%s %s, R %s.%s"}',
            digits(seconds), digits(numbers), asked[2],
            as.character(packageVersion(asked[2])), R.version$major, R.version$minor))
