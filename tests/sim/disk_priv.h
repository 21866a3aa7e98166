/* disk_priv.h - what disk.c and disk_vfs.c share. */
#pragma once
#include "sim/disk.h"

struct disk_node { /* a file or folder, whatever its names are */
    struct disk_node *next;
    const struct disk_node *origin; /* in a clone: what it was made from */
    bool is_dir;
    bool is_read_only;
    char *seen;   /* what a process reads */
    char *medium; /* what is left without power, before the dirty sectors are decided */
    bool *dirty;  /* for each sector: written, not synced */
    size_t seen_size;
    size_t medium_size;
    size_t capacity;       /* of both, in whole sectors; zero behind the sizes */
    uint64_t spoiled_from; /* these bytes cannot be read; */
    uint64_t spoiled_to;   /* this is the first that can */
};

struct disk_name {
    char *path;
    struct disk_node *seen;   /* NULL: no such name */
    struct disk_node *medium; /* the same, as the medium has it */
};

struct disk {
    struct vfs vfs; /* first: a struct vfs of ours is a struct disk */
    struct disk_node *nodes;
    struct disk_name *names;
    uint32_t name_count;
    uint32_t alignment;
    uint32_t open_count; /* files and locks */
    struct vfs_lock *locks;
    uint64_t calls;
    enum disk_fault fault;
    uint64_t fault_call;
    uint64_t death_call; /* 0: none */
    struct disk_choices *choices;
    unsigned lies;
    bool is_dead;
};

extern const struct vfs disk_vfs_methods;

struct disk_node *disk_node_create(struct disk *disk, bool is_dir);
void disk_node_reserve(struct disk_node *node, size_t size);
void disk_node_write(struct disk_node *node, uint64_t offset, struct ever_slice bytes);
void disk_node_sync(struct disk_node *node, uint64_t offset, size_t size);
/* A sync that failed: of each dirty sector the new or the old content stays, and is clean. */
void disk_node_half_sync(struct disk_node *node, struct disk_choices *choices);

struct disk_node *disk_find(const struct disk *disk, const char *path); /* NULL: no such name */
void disk_link(struct disk *disk, const char *path, struct disk_node *node); /* NULL removes */
void disk_sync_names(struct disk *disk, const char *dir);
