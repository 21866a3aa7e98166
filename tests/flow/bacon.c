#include "world.h"
bool run_bacon(const struct jv *l,const struct settings*s,struct text*r){(void)l;(void)s;text_put(r,"none\n");return false;}
