/* one_layer MODEL.rnw MISTAKE LAYER 1,HEIGHT,WIDTH,3: reads an image as raw float32 and writes one layer as raw float32, as
 * an engine does that keeps nothing. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments) {
  if (count != 5) return 64;
  const char *mistakes[] = {"none", "pool-border", "strided-border", "epsilon"};
  enum mistake mistake = NO_MISTAKE;
  for (int i = 0; i < 4; i++)
    if (!strcmp(arguments[2], mistakes[i])) mistake = (enum mistake)i;
  struct engine *engine = engine_open(arguments[1], mistake);
  size_t images, height, width;
  if (!engine || sscanf(arguments[4], "%zu,%zu,%zu", &images, &height, &width) != 3) return 1;
  float *image = malloc(height * width * 3 * sizeof *image);
  if (!image || fread(image, 12, height * width, stdin) != height * width) return 1;
  engine_run(engine, image, height, width);
  const struct value *value = engine_value(engine, arguments[3]);
  if (!value) return 1;
  size_t size = value->channels * (value->height ? value->height * value->width : 1);
  return fwrite(value->data, sizeof(float), size, stdout) == size ? 0 : 1;
}
