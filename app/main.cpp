/// The program `valley`, which knows all but what needs LibTorch: for that it becomes its engine.
#include "app/hand_over.h"
#include "app/program.h"

int main(int argc, char** argv) {
  valley::app::HandOver engine(argv);
  return valley::app::run_program(argc, argv, engine);
}
