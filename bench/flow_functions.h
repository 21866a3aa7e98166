/* flow_functions.h - the user's functions of the bench, in a file of their own: the compiler sees
 * only pointers to them, as in a real program. */
#pragma once
#include "flow.h"

flow_map_fn triple_plus_one;
flow_pred_fn is_even;
flow_fold_fn sum;
flow_block_fn triple_plus_one_block;
flow_block_fn keep_even_block;
flow_scan_block_fn sum_block;
flow_list_fn add_both;
