/* engine_priv.h - the inside of a program: flows, nodes, kinds of nodes, one stretch of roots.
 *
 * A run goes through its roots in stretches of up to STRETCH_ROOTS. For each stretch every flow
 * runs all of its nodes in order, each node over the whole stretch: its inputs' items are lists
 * sorted by root. Nothing that a node sees or does depends on where stretches end.
 *
 * Stop: a node that must stop lowers flow->limit to that root. When the nodes are through, the
 * flow's state is undone to the start of the stretch, and the stretch is run again up to the limit.
 */
#pragma once
#include "domain/flow/engine/alarm_priv.h"
#include "domain/flow/engine/derive.h"
#include "domain/flow/engine/graph.h"
#include "domain/flow/engine/path_priv.h"

#define STRETCH_ROOTS 1024u       /* most roots of a stretch, a power of two */
#define STRETCH_BYTES (32u << 20) /* of items, about */
#define NO_TIME INT64_MIN

struct derive_list {
    struct derive_item *items;
    size_t count;
    size_t capacity;
};

struct derive_counts {
    uint64_t in;
    uint64_t out;
};

struct derive_node {
    const struct derive_kind *kind;
    const struct graph_node *graph;
    struct derive_flow *flow;
    uint32_t index;     /* in its flow */
    uint32_t key_paths; /* how many values make the key of its items; 0: not keyed */
    struct derive_node **inputs;
    uint32_t input_count;
    struct derive_path **paths; /* all paths it looks up */
    uint32_t path_count;
    bool gives_later; /* what its state holds may be given when the watermark moves; set by parse */
    bool takes_whole; /* it looks at values as a whole, not only at paths in them; set by parse */
    void *own;        /* what its kind parsed, in the program's arena */
    struct table table; /* of stateful kinds */
    struct alarms alarms;
    struct derive_counts counts;
    struct derive_counts saved_counts; /* at the start of the stretch */
    /* Of one stretch: */
    struct derive_list out;
    struct derive_list waiting; /* of one root: what is given at its end */
    uint32_t alarm_root;        /* alarms of roots before this one have been seen to */
};

struct derive_raw { /* an output on its way */
    uint32_t root;
    enum derive_side side;
    int64_t time_us;
    struct ever_slice type;
    struct ever_slice data;
    const struct ever_slice *tags;
    uint32_t tag_count;
};

struct derive_given { /* an output as later flows read it */
    uint32_t root;
    int64_t time_us;
    struct derive_event event;
};

struct derive_scalars { /* what a flow remembers beside its nodes' tables */
    uint64_t position;
    int64_t watermark_us; /* NO_TIME: none yet */
    uint64_t in;
    uint64_t out;
    uint64_t late;
    uint64_t errors;
};

struct derive_flow {
    struct derive_program *program;
    const struct graph_flow *graph;
    size_t index;
    int64_t lateness_us;
    int64_t idle_us;
    int64_t ahead_us;
    struct derive_path *time; /* NULL: commit time */
    struct ever_slice version;
    struct derive_node *nodes;
    uint32_t node_count;
    struct derive_node **sources; /* its `from` nodes */
    uint32_t source_count;
    struct derive_scalars now;
    struct derive_scalars saved;
    int64_t *newest_us; /* of each source: greatest event time, NO_TIME: none */
    int64_t *saved_newest_us;
    bool stopped;
    uint64_t stop_position;
    struct derive_node *stop_node; /* NULL: because of a flow it reads */
    struct text stop_message;
    derive_tap_fn *tap;
    void *tap_arg;
    /* Of one stretch: */
    uint32_t first;          /* roots before it are not for this flow */
    uint32_t limit;          /* nor are roots from here on */
    bool careful;            /* scripts are called for one root at a time */
    bool again;              /* the stretch is to be run again, carefully */
    int64_t *watermarks_us;  /* after each root */
    struct derive_raw *raws; /* outputs, node by node */
    size_t raw_count;
    size_t raw_capacity;
    struct derive_given *given; /* the main side, by root */
    size_t given_count;
    size_t given_capacity;
};

struct derive_source; /* source.c */

struct derive_program {
    struct arena arena; /* lives as long as the program */
    struct graph graph;
    struct derive_flow *flows;
    size_t flow_count;
    struct ever_read *reads;
    size_t read_count;
    struct derive_source **sources; /* that read the log: what their nodes own */
    size_t source_count;
    struct derive_path **columns; /* data.* paths that are looked up ahead */
    uint32_t column_count;
    struct derive_plan **plans;
    uint64_t **plan_masks; /* which sources match, for each plan */
    size_t plan_count;
    struct arena out_arena; /* of one run */
    struct derive_output *outputs;
    size_t output_count;
    size_t output_capacity;
    uint32_t stretch_roots; /* of the next stretch */
    /* Of one stretch: */
    struct arena stretch_arena;
    const struct ever_event *roots;
    uint32_t root_count;
    struct derive_event *events; /* as sources see the roots; room for STRETCH_ROOTS */
    const struct derive_script *script;
    uint64_t no_key_hash; /* of items that are not keyed */
    struct text text;     /* for writing something short */
    struct text state;    /* for the next state of an entry */
    struct text joins[2];
    bool abandoned;
};

/* --- Kinds of nodes --------------------------------------------------------------------------- */

struct derive_parse { /* while a program is made */
    struct derive_program *program;
    struct derive_flow *flow;
    struct text *report;
    size_t faults;
};

#define INPUTS_MAX 64u

enum derive_keys {                /* of a node's inputs */
                   KEYS_ALIKE,    /* all keyed by as many values, or none */
                   KEYS_OF_FIRST, /* the others like the first, or not keyed */
                   KEYS_ANY,
};

struct derive_kind {
    const char *op;
    uint32_t inputs_least;
    uint32_t inputs_most;
    enum derive_keys keys;
    bool passes_values; /* its items' values are those of its inputs */
    bool has_state;

    void (*parse)(struct derive_parse *parse, struct derive_node *node); /* may be NULL */

    /* Either all of a stretch at once, */
    void (*run)(struct derive_node *node);

    /* or item by item, in the order (root, input), */
    void (*each)(struct derive_node *node, uint32_t input, const struct derive_item *item);
    /* then, if not NULL, once for each root that had items, */
    void (*root_end)(struct derive_node *node, uint32_t root);
    /* then for each alarm that is due at the watermark after `root`. */
    void (*fire)(struct derive_node *node, uint32_t root, const struct alarm_at *alarm);
    /* When an entry wants its alarm; false: never. Goes with `fire`. */
    bool (*due)(const struct derive_node *node, struct ever_slice key, struct ever_slice state,
                int64_t *out_due_us);
};
const struct derive_kind *kind_find(struct ever_slice op);

/* --- For parse -------------------------------------------------------------------------------- */

/* A fault of the node in the report. */
void parse_fault(struct derive_parse *parse, const struct derive_node *node, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));
/* A path that the node looks up; NULL after a fault. */
struct derive_path *parse_path(struct derive_parse *parse, struct derive_node *node,
                               struct ever_slice text);
/* Member `name` of the node: a path; NULL when it is missing or after a fault. */
struct derive_path *parse_path_member(struct derive_parse *parse, struct derive_node *node,
                                      const char *name);
/* A whole number in [least, most]; `missing` when it is not there. */
int64_t parse_whole(struct derive_parse *parse, const struct derive_node *node,
                    struct json_value object, const char *name, int64_t least, int64_t most,
                    int64_t missing);
/* Text, or empty when it is missing. */
struct ever_slice parse_text(struct derive_parse *parse, struct json_value object,
                             const char *name);
void *parse_alloc(struct derive_parse *parse, size_t size); /* zeroed */

/* --- For running ------------------------------------------------------------------------------ */

static inline struct arena *node_arena(const struct derive_node *node)
{
    return &node->flow->program->stretch_arena;
}
static inline const struct ever_event *node_root(const struct derive_node *node, uint32_t root)
{
    return &node->flow->program->roots[root];
}
static inline struct derive_value node_get(const struct derive_node *node,
                                           const struct derive_path *path,
                                           const struct derive_item *item)
{
    return path_get(path, item, node_arena(node));
}
/* The watermark as it was before `root`. */
static inline int64_t node_watermark_before(const struct derive_node *node, uint32_t root)
{
    const struct derive_flow *flow = node->flow;
    return root <= flow->first ? flow->saved.watermark_us : flow->watermarks_us[root - 1];
}

/* The key as results show it: of one path its value, of several the array; missing when not keyed.
 */
static inline struct derive_value node_key_value(const struct derive_node *node,
                                                 struct ever_slice key)
{
    if (key.size == 0) {
        return (struct derive_value){.kind = VALUE_MISSING};
    }
    return value_of_json(node->key_paths == 1 ? slice_of(key.data + 1, key.size - 2) : key);
}

/* The item that comes next by (root, input) and below the limit, NULL at the end. `cursors` has a
 * place in the list of each input, and begins with zeros. */
const struct derive_item *node_next_item(const struct derive_node *node, size_t *cursors,
                                         uint32_t *out_input);

void node_give(struct derive_node *node, const struct derive_item *item);

/* An output; `data` and tags must live in program->out_arena. */
void node_output(struct derive_node *node, const struct derive_raw *raw);

/* The item cannot be processed: by the flow's policy an event of the errors side, or a stop. */
void node_fail(struct derive_node *node, uint32_t root, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The flow must stop, whatever its policy. */
void node_stop(struct derive_node *node, uint32_t root, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The item came after the window [start, end) it belongs to had closed. */
void node_late(struct derive_node *node, const struct derive_item *item, int64_t start_us,
               int64_t end_us);

/* Sets state as table_set(); false after a stop because of the bounds. Rings `due_us` then, unless
 * it is NO_TIME. */
bool node_set_state(struct derive_node *node, uint32_t root, struct table_place place,
                    struct ever_slice key, uint64_t hash, struct ever_slice state, int64_t due_us);

/* An alarm's work where nothing is given: the entry goes. */
void node_forget(struct derive_node *node, uint32_t root, const struct alarm_at *alarm);

void node_make_alarms(struct derive_node *node); /* anew, from the table */

/* JSON text of a value in the stretch's arena, and a value from such text. */
struct ever_slice node_json(const struct derive_node *node, const struct derive_value *value,
                            int64_t time_us);
struct ever_slice node_canonical(const struct derive_node *node, const struct derive_value *value,
                                 int64_t time_us);

/* --- The parts -------------------------------------------------------------------------------- */

void source_match(struct derive_program *program);   /* which roots which sources read */
void source_prepare(struct derive_program *program); /* reads, columns; once all nodes are parsed */
void source_deinit(struct derive_program *program);
/* Event times and the watermark after each root, once the `from` nodes have run. */
void source_watermarks(struct derive_flow *flow);

void run_nodes(struct derive_flow *flow);
