// Every verb, each in the file of its name.
#pragma once

#include "dsperse/cli/context.h"

namespace dsperse::cli {

void add_inspect(CLI::App& app, Context& context);
void add_slice(CLI::App& app, Context& context);
void add_compile(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_prove(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_dispute(CLI::App& app, Context& context);
void add_full_run(CLI::App& app, Context& context);
void add_report(CLI::App& app, Context& context);
void add_key(CLI::App& app, Context& context);
void add_bench(CLI::App& app, Context& context);
void add_worker(CLI::App& app, Context& context);
void add_serve(CLI::App& app, Context& context);
void add_ledger(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);

}  // namespace dsperse::cli
