#include <stdio.h>

int main(int argc, char **argv) {
    printf("hello from an image with one file, argument %s\n", argc > 1 ? argv[1] : "none");
    return 0;
}
