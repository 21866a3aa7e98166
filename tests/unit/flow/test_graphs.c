/* test_graphs.c - would catch a glitch: in random graphs over two subjects, every node
 * must emit at most once for each root event, with the value that recomputing everything gives. */
#include "flow.h"

#include "unit/unit.h"

#include <stdlib.h>

enum { NODES = 20, GRAPHS = 200, EVENTS = 20 };

struct graph {
    struct flow_loop *loop;
    struct flow_region *region;
    struct flow_subject *roots[2];
    struct flow_stream *streams[NODES];
    int left[NODES], right[NODES]; /* left -1: a root, `right` says which; right -1: a map */
    int64_t heard[NODES];
    int emissions[NODES];
};

struct listener {
    struct graph *graph;
    int node;
};

static flow_val plus_one(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(v.i + 1);
}

/* Not symmetric, so that an old value on either side shows. */
static flow_val mix(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    (void)loop; /* nothing to make */
    (void)ud;
    (void)count;
    return flow_int((v[0].i * 31 + v[1].i * 17) % 1000003);
}

static struct flow_stream *itself(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* made before */
    (void)v;
    return ud;
}

static void hear(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct listener *listener = ud;
    (void)loop; /* nothing to ask it */
    listener->graph->heard[listener->node] = v.i;
    listener->graph->emissions[listener->node]++;
}

static void add_node(struct graph *g, int i)
{
    if (i < 2) {
        g->left[i] = -1;
        g->right[i] = i;
        g->streams[i] = flow_subject_stream(g->roots[i]);
        return;
    }
    g->left[i] = rand() % i;
    g->right[i] = rand() % 3 == 0 ? -1 : rand() % i;
    struct flow_stream *in = g->streams[g->left[i]];
    if (g->right[i] < 0) {
        g->streams[i] = flow_map(in, &flow_i64, plus_one, NULL);
    } else {
        struct flow_stream *both[2] = {in, g->streams[g->right[i]]};
        g->streams[i] = flow_combine_latest(g->region, both, 2, &flow_i64, mix, NULL);
    }
    if (rand() % 4 == 0) {
        g->streams[i] = flow_share(g->streams[i], NULL);
    }
    if (rand() % 8 == 0) { /* a graph that is only known when it runs */
        struct flow_stream *once = flow_of(g->region, &flow_i64, flow_int(0));
        g->streams[i] = flow_switch_map(once, &flow_i64, itself, g->streams[i]);
    }
}

static bool depends(const struct graph *g, int i, int root)
{
    if (g->left[i] < 0) {
        return g->right[i] == root;
    }
    return depends(g, g->left[i], root) || (g->right[i] >= 0 && depends(g, g->right[i], root));
}

/* False: not all that it depends on have a value. */
static bool model(const struct graph *g, int i, const int64_t *roots, const bool *has, int64_t *out)
{
    int64_t a;
    int64_t b;
    if (g->left[i] < 0) {
        *out = roots[g->right[i]];
        return has[g->right[i]];
    }
    if (!model(g, g->left[i], roots, has, &a)) {
        return false;
    }
    if (g->right[i] < 0) {
        *out = a + 1;
        return true;
    }
    if (!model(g, g->right[i], roots, has, &b)) {
        return false;
    }
    *out = (a * 31 + b * 17) % 1000003;
    return true;
}

static void play(struct graph *g, const int *watched, int count)
{
    int64_t roots[2] = {0};
    bool has[2] = {false, false};
    for (int event = 0; event < EVENTS; event++) {
        int root = rand() % 2;
        roots[root] = rand() % 1000;
        has[root] = true;
        for (int i = 0; i < NODES; i++) {
            g->emissions[i] = 0;
        }
        flow_next(g->roots[root], flow_int(roots[root]));
        for (int k = 0; k < count; k++) {
            int64_t wanted;
            int i = watched[k];
            bool emits = model(g, i, roots, has, &wanted) && depends(g, i, root);
            assert_int_equal(g->emissions[i], emits);
            if (emits) {
                assert_int_equal(g->heard[i], wanted);
            }
        }
    }
}

static void test_random_graphs_have_no_glitches(void **state)
{
    (void)state; /* each graph is made here */
    for (unsigned seed = 1; seed <= GRAPHS; seed++) {
        struct graph g = {.loop = flow_loop_new()};
        struct listener listeners[3];
        int watched[3];
        srand(seed);
        g.region = flow_region_new(g.loop);
        g.roots[0] = flow_subject_new(g.region, &flow_i64, NULL);
        g.roots[1] = flow_subject_new(g.region, &flow_i64, NULL);
        int nodes = 5 + rand() % 12; /* unshared nodes multiply: chains of them stay short */
        for (int i = 0; i < nodes; i++) {
            add_node(&g, i);
        }
        for (int k = 0; k < 3; k++) {
            watched[k] = nodes - 1 - k;
            listeners[k] = (struct listener){.graph = &g, .node = watched[k]};
            flow_subscribe(g.streams[watched[k]],
                           &(struct flow_observer){.next = hear, .ud = &listeners[k]});
        }
        play(&g, watched, 3);
        flow_loop_free(g.loop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_graphs_have_no_glitches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
