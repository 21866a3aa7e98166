/* live.h - the event-stream library for JavaScript: one loop, driven from outside.
 *
 * live_functions() makes the object `native` that js/live.js builds on. A stream of the library is
 * a handle there, an object only live.js holds: user code has descriptions of streams (js/live.js),
 * which are built anew wherever they are used, so that no handle outlives the region its stream
 * belongs to.
 *
 *     native.wrapper(fn)               fn(held, key) makes a user's stream of one the library made
 *     native.source()                  a subject: the handle of its stream; numbered from 0
 *     native.build(name, ...args)      the handle of a new stream (build.h); null: impossible
 *     native.run(stream, next, error, complete)
 *     native.push(source, value)       one root event; end(source), fail(source, error): its last
 *     native.advance(ms)               time moves; timers due until then run
 *     native.due()                     when the next timer is due, in ms; Infinity: none
 *     native.now()                     the loop's time in ms
 *
 * Values:   flow_val.p is a JSValueRef; whoever keeps one protects it from garbage collection.
 * Threads:  one. There is one context for each process, which these files keep (value.c): the
 *           functions of a flow_type get no argument that could carry it. */
#pragma once
#include <JavaScriptCore/JavaScript.h>

/* Gives the object; the loop is made with it and lives as long as the process. */
JSObjectRef live_functions(JSContextRef context);
