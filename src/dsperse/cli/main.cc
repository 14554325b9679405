// dsperse: the command line. Parses, runs one verb, prints its result or error. Source: docs/cli.md. Tested by tests/e2e.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/cli/progress.h"
#include "dsperse/cli/verbs.h"

namespace dsperse::cli {
namespace {

void print_error(const Context& context, const Error& error, int code) {
  to_stderr("error: {}\n", error.what);
  if (!error.where.empty()) to_stderr("  where: {}\n", error.where);
  if (!error.hint.empty()) to_stderr("  next: {}\n", error.hint);
  if (!context.json) return;
  Json document = context.document;
  document["exit_code"] = code;
  document["error"] = {{"what", error.what}, {"where", error.where}, {"next", error.hint}};
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

int run(int argc, char** argv) {
  Context context;
  CLI::App app("Cuts ONNX models into slices and proves in zero knowledge that they were run.", "dsperse");
  app.set_version_flag("--version", DSPERSE_VERSION);
  app.require_subcommand(1);
  add_inspect(app, context);
  add_slice(app, context);
  add_compile(app, context);
  add_run(app, context);
  add_prove(app, context);
  add_verify(app, context);
  add_dispute(app, context);
  add_full_run(app, context);
  add_report(app, context);
  add_key(app, context);
  add_bench(app, context);
  add_worker(app, context);
  add_serve(app, context);
  add_ledger(app, context);
  add_doctor(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : 2;  // --help and --version are no errors
  }
  handle_interrupts();
  context.apply();
  spdlog::debug("dsperse {}, kernels {}, {} threads", DSPERSE_VERSION, kernel_name(kernel()), threads());
  context.document["verb"] = context.verb;
  const Result<int> code = context.action();
  if (!code) {
    const int failed = exit_code(code.error().kind);
    print_error(context, code.error(), failed);
    return failed;
  }
  if (context.json) {
    context.document["exit_code"] = *code;
    fmt::print("{}\n", context.document.dump(2, ' ', false, Json::error_handler_t::replace));
  }
  return *code;
}

}  // namespace
}  // namespace dsperse::cli

int main(int argc, char** argv) {
  try {
    const int code = dsperse::cli::run(argc, argv);
    return std::fflush(stdout) == 0 ? code : 5;
  } catch (const std::bad_alloc&) {
    std::fputs("error: out of memory\n  next: allow less with --memory, or cut smaller slices\n", stderr);
    return 5;
  } catch (const std::exception& e) {  // a library's; rooms of dsperse throw none
    std::fprintf(stderr, "error: internal: %s\n", e.what());
    return 70;
  }
}
