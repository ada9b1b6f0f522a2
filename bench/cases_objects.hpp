/* SPDX-License-Identifier: MIT */
/* Cases on objects that are set up before their use and torn down after it. A contender is a class template over the
 * object with
 *
 *     Object *get();          set up
 *     void put(Object *);     torn down, or kept as it is
 */
#ifndef TARN_BENCH_CASES_OBJECTS_HPP
#define TARN_BENCH_CASES_OBJECTS_HPP

#include "cases_blocks.hpp"

#include <pthread.h>

namespace bench
{

/* Dear: a lock and two buffers of its own, as a connection has them. */
struct connection {
    pthread_mutex_t lock;
    char *in, *out;
    size_t used;

    bool open()
    {
        in = static_cast<char *>(malloc(1024));
        out = static_cast<char *>(malloc(4096));
        used = 0;
        return in != nullptr && out != nullptr && pthread_mutex_init(&lock, nullptr) == 0;
    }
    void close()
    {
        pthread_mutex_destroy(&lock);
        ::free(out);
        ::free(in);
    }
    void use()
    {
        in[used & 1023] = 1;
        used++;
    }
};

/* Cheap: a few stores. */
struct message {
    size_t words[8];

    bool open()
    {
        memset(words, 0, sizeof words);
        return true;
    }
    void close()
    {
    }
    void use()
    {
        words[1]++;
    }
};

/* ns an object that is taken, used once and given back; 16 are out at a time. */
template <template <class> class P, class Object> void objects(session &s)
{
    P<Object> cache;
    escape(&cache);
    auto loop = [&cache](size_t count) {
        Object *out[16];
        while (count-- > 0) {
            for (Object *&o : out) {
                o = cache.get();
                o->use();
                escape(o);
            }
            for (Object *o : out) {
                cache.put(o);
                barrier();
            }
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("object", (cpu_ns() - start) / static_cast<double>(count * 16));
    }
}

template <template <class> class P> void enter_objects(const char *name)
{
    enter("objects_dear", name, objects<P, connection>);
    enter("objects_cheap", name, objects<P, message>);
}

} // namespace bench
#endif
