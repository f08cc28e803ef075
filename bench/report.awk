# The table of bench/run.sh, from lines of: operation, connections, disk, contender, round,
# requests, seconds, errors, CPU µs per request, RSS in KiB, p50 µs, p99 µs.
# Exit 1 when there was an error response: then the figures are of something else than they say.
BEGIN {
    FS = "\t"
    split("create append append_long list list_contexts get patch_1k patch_64k bare_http sqlite_1 sqlite_64 redis fastify other", key, " ")
    split("create,append 1 KiB,append 1 KiB to 100;000 entries,list of 50,list of 50 with contexts,get by id,patch 1 KiB,patch 64 KiB,bare libmicrohttpd," \
          "SQLite; 1 a commit,SQLite; 64 a commit,Redis; fsync always,fastify + better-sqlite3,the other binary", text, ",")
    for (i in key) {
        name[key[i]] = text[i]
        sub(/;/, ",", name[key[i]])
    }
    target["get 64 plain bare_http"] = 0.75
    target["create 64 plain redis"] = 0.6
    target["create 64 plain fastify"] = 7
    target["create 1 plain sqlite_1"] = 0.75
    target["list 64 plain fastify"] = 3.5
    target["patch_64k 16 plain fastify"] = 3.5
    target["create 64 slow sqlite_64"] = 0.85
}

{
    row = $1 " " $2 " " $3
    if (!(row in contenders))
        order[++rows] = row
    if (!((row, $4) in count))
        contenders[row] = contenders[row] " " $4
    n = ++count[row, $4]
    rate[row, $4, $5] = $7 > 0 ? $6 / $7 : 0
    rates[row, $4, n] = rate[row, $4, $5]
    cpu[row, $4, n] = $9
    rss[row, $4, n] = $10 / 1024
    errors[row, $4] += $8
    if ($6 == 0)
        silent[row, $4]++
}

function sorted(values, n,   i, j, value) {
    for (i = 2; i <= n; i++) {
        value = values[i]
        for (j = i - 1; j >= 1 && values[j] > value; j--)
            values[j + 1] = values[j]
        values[j + 1] = value
    }
}

function middle(values, n) {
    sorted(values, n)
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

function median(from, row, contender,   i, n, values) {
    n = count[row, contender]
    for (i = 1; i <= n; i++)
        values[i] = from[row, contender, i]
    return middle(values, n)
}

function number(x) { return sprintf(x < 100 ? "%.1f" : "%.0f", x) }

function verdict(row, contender, ratio,   wanted) {
    if (!((row " " contender) in target))
        return ""
    wanted = target[row " " contender]
    return sprintf("≥ %s %s", wanted, ratio >= wanted ? "met" : "NOT MET")
}

# Why nothing can be compared; empty when all is well.
function failure(row, contender) {
    if (errors[row, contender] > 0)
        return sprintf("FAILED: %d error responses or broken connections", errors[row, contender])
    if (silent[row, contender] > 0)
        return sprintf("FAILED: no answer at all in %d of %d rounds", silent[row, contender], count[row, contender])
    return ""
}

function print_pair(row, first, contender,   i, n, ratios, ratio) {
    if (failure(row, contender) != "") {
        printf "  %-26s %s\n", name[contender], failure(row, contender)
        return
    }
    n = count[row, contender]
    for (i = 1; i <= n; i++)
        ratios[i] = rate[row, first, i] / rate[row, contender, i]
    ratio = middle(ratios, n)
    printf "  %-26s %7.3f (%.3f–%.3f)  %9s : %-9s %7s : %-7s %6s : %-6s %s\n", name[contender], ratio, ratios[1], ratios[n],
        number(median(rates, row, first)), number(median(rates, row, contender)),
        number(median(cpu, row, first)), number(median(cpu, row, contender)),
        number(median(rss, row, first)), number(median(rss, row, contender)), verdict(row, contender, ratio)
}

function print_row(row,   words, parts, i, n) {
    split(row, parts, " ")
    printf "\n%s, %d connection%s%s\n", name[parts[1]], parts[2], parts[2] == 1 ? "" : "s",
        parts[3] == "slow" ? ", 4 ms added to every fsync" : ""
    n = split(contenders[row], words, " ")
    if (failure(row, words[1]) != "") {
        printf "  %-26s %s\n", "sessiond", failure(row, words[1])
        return
    }
    for (i = 2; i <= n; i++)
        print_pair(row, words[1], words[i])
}

END {
    printf "sessiond : neighbour, medians of %d round%s of %d s; ratios above 1 are in favour of sessiond\n",
        rounds, rounds == 1 ? "" : "s", seconds
    printf "  %-26s %7s %-15s  %21s %17s %15s %s\n", "", "ratio", "(least–most)", "requests a second  ", "CPU µs a request", "RSS MiB    ", "target"
    for (i = 1; i <= rows; i++)
        print_row(order[i])
    if (no_fastify != "" && no_fastify != "not asked for")
        printf "\nfastify + better-sqlite3 was skipped (%s): its targets are not measured.\n", no_fastify
    for (pair in errors)
        failed += errors[pair]
    exit failed > 0
}
