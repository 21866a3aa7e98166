#include "cli/client/event_target.h"

#include "base/slice.h"
#include "cli/output/terminal.h"

bool event_target_check(const struct arguments *arguments)
{
    for (size_t i = TARGET_TYPE; i < TARGET_OPTION_COUNT; i++) {
        if (arguments->parameters[0] != NULL && arguments_has(arguments, i)) {
            (void)terminal_usage(arguments->command,
                                 "--%s looks through the whole log: it does not go with STREAM",
                                 arguments->command->options[i].name); /* false says it */
            return false;
        }
    }
    return true;
}

void event_target_add(struct text *target, const char *name, const char *value)
{
    text_add_byte(target, memchr(target->data, '?', target->size) == NULL ? '?' : '&');
    text_printf(target, "%s=", name);
    client_escape(target, slice_of_text(value));
}

void event_target_begin(const struct arguments *arguments, struct text *target)
{
    if (arguments->parameters[0] != NULL) {
        text_add_text(target, "/streams/");
        client_escape(target, slice_of_text(arguments->parameters[0]));
        return;
    }
    text_add_text(target, "/events");
    for (size_t i = TARGET_TYPE; i < TARGET_TAG; i++) { /* under their own names */
        if (arguments_has(arguments, i)) {
            event_target_add(target, arguments->command->options[i].name, arguments->values[i]);
        }
    }
    for (size_t i = 0; i < arguments->repeated_count; i++) {
        event_target_add(target, "tag", arguments->repeated[i]);
    }
}
