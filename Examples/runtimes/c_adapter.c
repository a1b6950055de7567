/* c_adapter MODEL.rnw [MISTAKE]: answers `rnw verify --runtime` for the engine beside it. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What follows a key of a line of JSON; NULL where the line has no such key. */
static const char *after(const char *line, const char *key) {
  const char *place = strstr(line, key);
  return place ? place + strlen(key) : NULL;
}

static void answer(const struct value *value) {
  if (!value) {
    printf("{\"missing\": true}\n");
    return;
  }
  size_t count = value->channels * (value->height ? value->height * value->width : 1);
  if (value->height)
    printf("{\"shape\": [1, %zu, %zu, %zu]}\n", value->height, value->width, value->channels);
  else
    printf("{\"shape\": [1, %zu]}\n", value->channels);
  fwrite(value->data, sizeof(float), count, stdout);
}

int main(int count, char **arguments) {
  const char *mistakes[] = {"none", "pool-border", "strided-border", "epsilon"};
  enum mistake mistake = NO_MISTAKE;
  for (int i = 0; count > 2 && i < 4; i++)
    if (!strcmp(arguments[2], mistakes[i])) mistake = (enum mistake)i;
  struct engine *engine = count > 1 ? engine_open(arguments[1], mistake) : NULL;
  if (!engine) return 1;
  static char line[1 << 20];
  while (fgets(line, sizeof line, stdin)) {
    const char *shape = after(line, "\"input\":{\"shape\":["), *layer = after(line, "\"layer\":\"");
    size_t images, height, width;
    if (shape && sscanf(shape, "%zu,%zu,%zu", &images, &height, &width) == 3) {
      float *image = malloc(height * width * 3 * sizeof *image);
      if (images != 1 || !image || fread(image, 12, height * width, stdin) != height * width) return 1;
      engine_run(engine, image, height, width);
      free(image);
      printf("{}\n");
    } else if (layer) {
      line[strcspn(line, "\n")] = 0;
      char name[64] = "";
      sscanf(layer, "%63[^\"]", name);
      answer(engine_value(engine, name));
    } else {
      /* The greeting: layers are asked for by their canonical names. */
      printf("{\"engine\": \"small engine in C\", \"layout\": \"NHWC\", \"names\": \"canonical\"}\n");
    }
    fflush(stdout);
  }
}
