// The constants of all predictions, in one struct: seconds and bytes a unit of what counts.h counts, and what a process has
// before it works. One thread.
//
// Fitted by `dsperse bench --calibrate` (fit.h); the values here are the portable defaults, made by the same fit on one core with
// AVX-512. Formulas: cost.cc. Why these terms: docs/design/0016. Tested by slice/cost_test.cc and slice/fit_test.cc.
#pragma once

#include <array>
#include <string_view>

namespace dsperse::slice {

struct CostModel {
  // Seconds.
  double s_prove = 0.0002;       ///< a proof, whatever it is of
  double s_run = 0.000217;       ///< a run of a slice, its files included
  double s_compile = 0.00151;    ///< a slice
  double s_verify = 0.000817;    ///< a proof
  double s_op = 0.00011;         ///< of a proof
  double s_mac = 2e-12;          ///< integer product, run or repeated for the witness
  double s_value = 3.38e-9;      ///< element of a tensor that is run
  double s_weight = 3.22e-10;    ///< weight that is read, checked and packed
  double s_fold = 8.3e-10;       ///< element of a factor that is folded
  double s_column = 1.5e-9;      ///< looked-up element: made, counted, compressed
  double s_leaf = 1.81e-8;       ///< of the lookup argument
  double s_row = 4.56e-8;        ///< of a table
  double s_code = 3.98e-9;       ///< encoded symbol: NTT and column hash
  double s_hash = 1.18e-7;       ///< column of a tree: salt, leaf, nodes
  double s_again = 2e-9;         ///< encoded symbol that is computed again for an opening
  double s_open = 2.79e-9;       ///< committed symbol in the last sumcheck and the opening
  double s_check = 2.51e-8;      ///< verifier: opened symbol
  double s_check_row = 7.68e-9;  ///< verifier: row of a table, element of a message
  // Bytes beyond what the process has.
  double b_fixed = 4e5;       ///< a slice: its relation, keys, buffers
  double b_value = 3.2;       ///< element of a tensor
  double b_weight = 0.942;    ///< stored byte of a weight
  double b_pad = 9.28;        ///< of a tree's rows, whose data lie where they are
  double b_code = 9.06;       ///< encoded symbol that is kept
  double b_hash = 6.4;        ///< column of a tree
  double b_column = 0.5;      ///< looked-up element: its columns, as far as they are no views
  double b_auxiliary = 1.49;  ///< limb, offset, rise
  double b_leaf = 29.7;       ///< of the lookup argument, with all levels above
  double b_row = 26.7;        ///< of a table
  double b_open = 2.24;       ///< committed symbol in the last sumcheck
  // Bytes of the process and of a proof.
  double b_process = 8.35e6;  ///< before any model
  double b_key = 2;           ///< byte of the key: range proofs, read and held
  double p_fixed = 3.69e3;    ///< bytes of a proof beyond what cost.cc adds up
};

/// A constant by name.
struct Constant {
  std::string_view name;
  double CostModel::* value;
};
inline constexpr std::array kConstants{
    Constant{"s_prove", &CostModel::s_prove},     Constant{"s_run", &CostModel::s_run},
    Constant{"s_compile", &CostModel::s_compile}, Constant{"s_verify", &CostModel::s_verify},
    Constant{"s_op", &CostModel::s_op},           Constant{"s_mac", &CostModel::s_mac},
    Constant{"s_value", &CostModel::s_value},     Constant{"s_weight", &CostModel::s_weight},
    Constant{"s_fold", &CostModel::s_fold},       Constant{"s_column", &CostModel::s_column},
    Constant{"s_leaf", &CostModel::s_leaf},       Constant{"s_row", &CostModel::s_row},
    Constant{"s_code", &CostModel::s_code},       Constant{"s_hash", &CostModel::s_hash},
    Constant{"s_again", &CostModel::s_again},     Constant{"s_open", &CostModel::s_open},
    Constant{"s_check", &CostModel::s_check},     Constant{"s_check_row", &CostModel::s_check_row},
    Constant{"b_fixed", &CostModel::b_fixed},     Constant{"b_value", &CostModel::b_value},
    Constant{"b_weight", &CostModel::b_weight},   Constant{"b_pad", &CostModel::b_pad},
    Constant{"b_code", &CostModel::b_code},       Constant{"b_hash", &CostModel::b_hash},
    Constant{"b_column", &CostModel::b_column},   Constant{"b_auxiliary", &CostModel::b_auxiliary},
    Constant{"b_leaf", &CostModel::b_leaf},       Constant{"b_row", &CostModel::b_row},
    Constant{"b_open", &CostModel::b_open},       Constant{"b_process", &CostModel::b_process},
    Constant{"b_key", &CostModel::b_key},         Constant{"p_fixed", &CostModel::p_fixed},
};

}  // namespace dsperse::slice
