// Runs single-operator cases: a folder per line on standard input, a line of JSON per folder on standard output.
//
//   dsperse_conformance [--bits N] [--memory GIB] [--seconds N] < folders
//
// One thread. A case may end the process (that is a finding): tools/conformance.py starts it again behind that case. Memory
// beyond the limit ends it, too, and so does a case that takes more than so many seconds of processor time (SIGPROF).
#include <sys/resource.h>
#include <sys/time.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "dsperse/base/parallel.h"
#include "single_case.h"

int main(int argc, char** argv) {
  dsperse::conformance::Settings settings;
  rlim_t gib = 4;
  time_t seconds = 60;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const long value = std::strtol(argv[i + 1], nullptr, 10);
    if (option == "--bits" && value >= 8 && value <= 16) {
      settings.bits = static_cast<unsigned>(value);
    } else if (option == "--memory" && value >= 1 && value <= 1024) {
      gib = static_cast<rlim_t>(value);
    } else if (option == "--seconds" && value >= 1 && value <= 86400) {
      seconds = value;
    } else {
      std::cerr << "usage: dsperse_conformance [--bits 8..16] [--memory GIB] [--seconds N] < folders\n";
      return 2;
    }
  }
  const rlimit memory{gib << 30, gib << 30}, core{0, 0};
  setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_CORE, &core);
  dsperse::set_threads(1);
  for (std::string folder; std::getline(std::cin, folder);) {
    const itimerval most{{0, 0}, {seconds, 0}};
    setitimer(ITIMER_PROF, &most, nullptr);
    std::cout << dsperse::conformance::json_line(folder, dsperse::conformance::run_case(folder, settings)) << std::endl;
  }
  return 0;
}
