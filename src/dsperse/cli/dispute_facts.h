// A dispute's verdict as text and as JSON, for the verb that makes it and for the one that checks it.
#pragma once

#include "dsperse/cli/context.h"
#include "dsperse/pipeline/verdict.h"

namespace dsperse::cli {

/// Who claimed what about which slice, who is right, and what that rests on.
void show_dispute(Context& context, const trust::dispute::VerdictFile& file);
/// "accepted" or "rejected ..." first, then the dispute. The exit code.
int show_verdict_file(Context& context, const pipeline::VerdictReport& report);

}  // namespace dsperse::cli
