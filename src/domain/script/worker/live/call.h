/* call.h - callbacks of the library that call a JavaScript function: `ud` is that function.
 *
 * The index of RxJS is the last argument where RxJS gives one. A function that throws fails the
 * callback with what it threw (value.h). Functions that give streams give handles (js/live.js). */
#pragma once
#include "domain/script/worker/live/value.h"

flow_map_fn live_call_map;
flow_pred_fn live_call_pred;
flow_fold_fn live_call_fold;
flow_equal_fn live_call_equal;
flow_compare_fn live_call_compare;
flow_list_fn live_call_list;     /* the values are the arguments */
flow_list_fn live_call_array;    /* the values as one array */
flow_update_fn live_call_update; /* (state, ...values) */
flow_project_fn live_call_project;
flow_project_fn live_call_count; /* gets a number: repeat */
flow_fold_project_fn live_call_fold_project;
flow_make_fn live_call_make;
flow_catch_fn live_call_catch; /* (error, index) */
flow_with_fn live_call_with;   /* gets a stream for users */
flow_action_fn live_call_action;
flow_action_fn live_call_throw; /* throws what the function gives */
flow_error_map_fn live_call_error;
flow_poll_fn live_call_poll; /* undefined ends */
