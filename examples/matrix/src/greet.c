#include <stdio.h>
#include <stdlib.h>

int main(void) {
    const char *flavour = getenv("FLAVOUR");
#ifdef LOUD
    printf("HELLO from %s!\n", flavour ? flavour : "nowhere");
#else
    printf("hello from %s\n", flavour ? flavour : "nowhere");
#endif
    return 0;
}
