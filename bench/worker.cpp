/* SPDX-License-Identifier: MIT */
/* The worker: runs one case with one contender, one sample for each line it reads. Started by
 * bench/run. */
#include "registry.hpp"

#include <exception>

namespace bench
{

bool session::next()
{
    char line[16];
    if (started) {
        printf("%s\n", answer.c_str());
        fflush(stdout);
        answer.clear();
    }
    bool first = !started;
    started = true;
    if (fixed != 0) {
        return first;
    }
    return fgets(line, sizeof line, stdin) != nullptr;
}

void session::put(const char *metric, double value)
{
    char word[96];
    snprintf(word, sizeof word, "%s%s=%.9g", answer.empty() ? "" : " ", metric, value);
    answer += word;
}

std::vector<entry> &entries()
{
    static std::vector<entry> all;
    return all;
}

void enter(const char *suite, const char *name, void (*run)(session &))
{
    entries().push_back(entry{suite, name, run});
}

} // namespace bench

namespace
{

/* The answer to "may these figures be believed": asked by bench/run before anything is measured. */
int about()
{
    const char *optimised = "no";
    const char *checked = "no";
#ifdef __OPTIMIZE__
    optimised = "yes";
#endif
#if defined(TARN_CHECKED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    checked = "yes";
#endif
    printf("optimised=%s\nchecked=%s\nflags=%s\n", optimised, checked, TARN_BENCH_FLAGS);
#ifdef __clang__
    printf("compiler=%s\n", __VERSION__);
#else
    printf("compiler=gcc %s\n", __VERSION__);
#endif
    return 0;
}

int list()
{
    for (const bench::entry &e : bench::entries()) {
        printf("%s\t%s\n", e.suite, e.name);
    }
    return 0;
}

int run(const char *suite, const char *name, size_t loops)
{
    for (const bench::entry &e : bench::entries()) {
        if (strcmp(e.suite, suite) == 0 && strcmp(e.name, name) == 0) {
            bench::session s(loops);
            e.run(s);
            return 0;
        }
    }
    fprintf(stderr, "no case '%s' with contender '%s'\n", suite, name);
    return 2;
}

} // namespace

int main(int argc, char **argv)
{
    try {
        if (argc == 2 && strcmp(argv[1], "--about") == 0) {
            return about();
        }
        if (argc == 2 && strcmp(argv[1], "--list") == 0) {
            return list();
        }
        if (argc == 3 || argc == 4) {
            return run(argv[1], argv[2], argc == 4 ? strtoul(argv[3], nullptr, 10) : 0);
        }
    } catch (const std::exception &e) {
        fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    fprintf(stderr, "usage: %s --about | --list | CASE CONTENDER [LOOPS]\n", argv[0]);
    return 2;
}
