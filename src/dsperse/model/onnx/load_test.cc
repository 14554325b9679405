#include "dsperse/model/onnx/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "dsperse/model/onnx/testing/builder.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"

namespace dsperse::model {
namespace {

using namespace testing;  // NOLINT: the builders of this room
using onnx::AttributeProto;
using onnx::ModelProto;
using onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Graph> parse(const Bytes& bytes, const LoadOptions& options = {}) {
  return parse_onnx(bytes, {}, options, ops::float_operators());
}
Result<Graph> parse(const ModelProto& model, const LoadOptions& options = {}) { return parse(bytes_of(model), options); }

AttributeProto* attribute(ModelProto& m, const std::string& name) {
  auto* a = m.mutable_graph()->mutable_node(0)->add_attribute();
  a->set_name(name);
  return a;
}

TEST(Load, ReadsASmallModel) {
  const auto graph = parse(small_model());
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(graph->name, "small");
  EXPECT_EQ(graph->opset, 13);
  ASSERT_EQ(graph->inputs.size(), 1U);
  EXPECT_EQ(graph->inputs[0].shape, (Shape{1, 4}));
  ASSERT_EQ(graph->nodes.size(), 2U);
  EXPECT_EQ(graph->nodes[0].name, "dense");
  EXPECT_EQ(graph->nodes[1].name, "Relu_1") << "a node without a name gets one";
  EXPECT_EQ(graph->constants.at("b").f, (std::vector<float>{0.5F, -100, 0}));
}

TEST(Load, SortsNodesAndKeepsOptionalInputsEmpty) {
  ModelProto m = small_model();
  m.mutable_graph()->mutable_node()->SwapElements(0, 1);
  add_node(m, "Clip", {"y", "", "top"}, {"z"});
  add_initializer(m, "top", {}, {6});
  m.mutable_graph()->mutable_output(0)->set_name("z");
  const auto graph = parse(m);
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(graph->nodes[0].op, "Gemm");
  EXPECT_EQ(graph->nodes[2].inputs[1], "");
}

TEST(Load, InitializersThatAreInputsAreConstants) {
  ModelProto m = small_model();
  add_input(m, "w", {4, 3});
  const auto graph = parse(m);
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(graph->inputs.size(), 1U);
}

TEST(Load, TakesBothNamesOfTheDefaultDomainAndUnusedForeignOnes) {
  ModelProto m = small_model();
  m.mutable_opset_import(0)->set_domain("ai.onnx");
  auto* other = m.add_opset_import();
  other->set_domain("ai.onnx.ml");
  other->set_version(3);
  m.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  EXPECT_TRUE(parse(m));
}

TEST(Load, AnInputMayBeAnOutput) {
  ModelProto m = small_model();
  add_output(m, "x");
  auto graph = parse(m);
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_TRUE(prepare(*graph, ops::float_operators()));
}

TEST(Load, AConstantMayBeAnOutputUnlessAllAre) {
  ModelProto m = small_model();
  add_output(m, "w");
  auto graph = parse(m);
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_TRUE(prepare(*graph, ops::float_operators()));
  EXPECT_TRUE(graph->constants.contains("w"));

  std::erase_if(graph->outputs, [](const model::Port& port) { return port.name != "w"; });
  const auto status = prepare(*graph, ops::float_operators());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(status.error().text(), HasSubstr("every output is a constant"));
}

onnx::TensorShapeProto* input_shape(ModelProto& m) {
  return m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
}

TEST(Load, ASymbolicBatchBecomesOneAndOtherUnknownDimensionsNeedAShape) {
  ModelProto m = small_model();
  input_shape(m)->mutable_dim(0)->set_dim_param("N");
  ASSERT_TRUE(parse(m));
  EXPECT_EQ(parse(m)->inputs[0].shape, (Shape{1, 4}));

  input_shape(m)->mutable_dim(1)->clear_dim_value();
  const auto open = parse(m);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(open.error().text(), HasSubstr("dynamic shape ?x?"));
  EXPECT_THAT(open.error().hint, HasSubstr("--input-shape x:"));

  LoadOptions options;
  options.input_shapes["x"] = {2, 4};
  ASSERT_TRUE(parse(m, options));
  EXPECT_EQ(parse(m, options)->inputs[0].shape, (Shape{2, 4}));
  options.input_shapes["x"] = {2, 4, 1};
  EXPECT_THAT(parse(m, options).error().text(), HasSubstr("rank"));
  options.input_shapes["x"] = {0, 4};
  EXPECT_THAT(parse(m, options).error().text(), HasSubstr("below 1"));
  options.input_shapes = {{"q", {1}}};
  EXPECT_EQ(parse(small_model(), options).error().kind, ErrorKind::usage);
}

struct Refused {
  std::string name;
  ErrorKind kind;
  std::string word;
  std::function<void(ModelProto&)> breaks;
};

const std::vector<Refused>& refused() {
  using enum ErrorKind;
  const auto node = [](ModelProto& m, int i) { return m.mutable_graph()->mutable_node(i); };
  const auto weights = [](ModelProto& m) { return m.mutable_graph()->mutable_initializer(0); };
  static const std::vector<Refused> cases = {
      {"no graph", bad_input, "no graph", [](ModelProto& m) { m.clear_graph(); }},
      {"old opset", unsupported, "opset 6", [](ModelProto& m) { m.mutable_opset_import(0)->set_version(6); }},
      {"new opset", unsupported, "opset 29", [](ModelProto& m) { m.mutable_opset_import(0)->set_version(29); }},
      {"no opset", bad_input, "no opset", [](ModelProto& m) { m.clear_opset_import(); }},
      {"two opsets", bad_input, "two different opsets", [](ModelProto& m) { m.add_opset_import()->set_version(12); }},
      {"functions of one name", bad_input, "two functions",
       [](ModelProto& m) {
         m.add_functions()->set_name("f");
         m.add_functions()->set_name("f");
       }},
      {"function of another opset", unsupported, "opset 12 in a model of opset 13",
       [](ModelProto& m) { m.add_functions()->add_opset_import()->set_version(12); }},
      {"training", unsupported, "training", [](ModelProto& m) { m.add_training_info(); }},
      {"no output", bad_input, "no output", [](ModelProto& m) { m.mutable_graph()->clear_output(); }},
      {"foreign domain", unsupported, "com.microsoft::Gemm (1)", [=](ModelProto& m) { node(m, 0)->set_domain("com.microsoft"); }},
      {"unknown operators", unsupported, "Det (1), StringConcat (1)",
       [=](ModelProto& m) {
         node(m, 0)->set_op_type("Det");
         node(m, 1)->set_op_type("StringConcat");
       }},
      {"no operator", unsupported, "(none)", [=](ModelProto& m) { node(m, 1)->clear_op_type(); }},
      {"cycle", bad_input, "cycle", [=](ModelProto& m) { node(m, 0)->set_input(0, "y"); }},
      {"self loop", bad_input, "cycle", [=](ModelProto& m) { node(m, 1)->set_input(0, "y"); }},
      {"dangling input", bad_input, "nothing produces input 'gone'", [=](ModelProto& m) { node(m, 0)->set_input(0, "gone"); }},
      {"dangling output", bad_input, "nothing produces this output", [](ModelProto& m) { add_output(m, "gone"); }},
      {"output twice", bad_input, "duplicate output", [](ModelProto& m) { add_output(m, "y"); }},
      {"unnamed output", bad_input, "without a name", [](ModelProto& m) { add_output(m, ""); }},
      {"two producers", bad_input, "duplicate name", [](ModelProto& m) { add_node(m, "Relu", {"x"}, {"h"}); }},
      {"output named as an input", bad_input, "duplicate name", [](ModelProto& m) { add_node(m, "Relu", {"x"}, {"x"}); }},
      {"output named as a constant", bad_input, "duplicate name", [](ModelProto& m) { add_node(m, "Relu", {"x"}, {"w"}); }},
      {"two inputs", bad_input, "duplicate name: two inputs", [](ModelProto& m) { add_input(m, "x", {1, 4}); }},
      {"two initializers", bad_input, "duplicate name: two initializers",
       [](ModelProto& m) { add_initializer(m, "w", {1}, {1}); }},
      {"two nodes of one name", bad_input, "duplicate node name", [=](ModelProto& m) { node(m, 1)->set_name("dense"); }},
      {"node without output", bad_input, "without an output", [=](ModelProto& m) { node(m, 1)->clear_output(); }},
      {"unnamed initializer", bad_input, "without a name", [=](ModelProto& m) { weights(m)->clear_name(); }},
      {"control character", bad_input, "control characters", [=](ModelProto& m) { node(m, 1)->set_name("a\x1b[31m"); }},
      {"not UTF-8", bad_input, "UTF-8", [=](ModelProto& m) { node(m, 1)->set_name("\xC0\xAF"); }},
      {"long name", bad_input, "longer than", [=](ModelProto& m) { node(m, 1)->set_name(std::string(2000, 'n')); }},

      {"too few values", bad_input, "wrong length: 12 values, shape 5x3 needs 15",
       [=](ModelProto& m) { weights(m)->set_dims(0, 5); }},
      {"no values", bad_input, "wrong length", [=](ModelProto& m) { weights(m)->clear_float_data(); }},
      {"short raw data", bad_input, "wrong length",
       [=](ModelProto& m) {
         weights(m)->clear_float_data();
         weights(m)->set_raw_data(std::string(47, '\0'));
       }},
      {"long raw data", bad_input, "wrong length",
       [=](ModelProto& m) {
         weights(m)->clear_float_data();
         weights(m)->set_raw_data(std::string(52, '\0'));
       }},
      {"stored twice", bad_input, "more than one way", [=](ModelProto& m) { weights(m)->set_raw_data(std::string(48, '\0')); }},
      {"field of another type", bad_input, "field of another type",
       [=](ModelProto& m) {
         weights(m)->clear_float_data();
         for (int i = 0; i < 12; ++i) weights(m)->add_double_data(1);
       }},
      {"NaN weight", bad_input, "NaN",
       [=](ModelProto& m) { weights(m)->set_float_data(3, std::numeric_limits<float>::quiet_NaN()); }},
      {"infinite weight", bad_input, "infinity",
       [=](ModelProto& m) { weights(m)->set_float_data(3, std::numeric_limits<float>::infinity()); }},
      {"negative dimension", bad_input, "negative dimension", [=](ModelProto& m) { weights(m)->set_dims(0, -4); }},
      {"huge dimensions", resource, "2^31",
       [=](ModelProto& m) { weights(m)->set_dims(0, std::numeric_limits<std::int64_t>::max()); }},
      {"many axes", unsupported, "axes",
       [=](ModelProto& m) {
         for (int i = 0; i < 20; ++i) weights(m)->add_dims(1);
       }},
      {"string tensor", unsupported, "strings", [=](ModelProto& m) { weights(m)->set_data_type(TensorProto::STRING); }},
      {"complex tensor", unsupported, "complex", [=](ModelProto& m) { weights(m)->set_data_type(TensorProto::COMPLEX64); }},
      {"tensor of a later type", unsupported, "data type number 17", [=](ModelProto& m) { weights(m)->set_data_type(17); }},
      {"untyped tensor", bad_input, "data type", [=](ModelProto& m) { weights(m)->clear_data_type(); }},
      {"segment", unsupported, "segments", [=](ModelProto& m) { weights(m)->mutable_segment()->set_begin(0); }},
      {"sparse weights", unsupported, "sparse", [](ModelProto& m) { m.mutable_graph()->add_sparse_initializer(); }},
      {"external data by default", unsupported, "external data",
       [=](ModelProto& m) {
         weights(m)->clear_float_data();
         weights(m)->set_data_location(TensorProto::EXTERNAL);
       }},

      {"empty body", bad_input, "the graph has no output",
       [](ModelProto& m) {
         auto* a = attribute(m, "then_branch");
         a->set_type(AttributeProto::GRAPH);
         a->mutable_g();
       }},
      {"sparse attribute", unsupported, "sparse",
       [](ModelProto& m) { attribute(m, "value")->set_type(AttributeProto::SPARSE_TENSOR); }},
      {"list of graphs", unsupported, "list of graphs",
       [](ModelProto& m) { attribute(m, "value")->set_type(AttributeProto::GRAPHS); }},
      {"types attribute", unsupported, "attribute of type",
       [](ModelProto& m) { attribute(m, "value")->set_type(AttributeProto::TYPE_PROTOS); }},
      {"function reference", bad_input, "function", [](ModelProto& m) { attribute(m, "alpha")->set_ref_attr_name("a"); }},
      {"untyped attribute", bad_input, "without a type", [](ModelProto& m) { attribute(m, "alpha")->set_f(1); }},
      {"mistyped attribute", bad_input, "stated type",
       [](ModelProto& m) {
         auto* a = attribute(m, "alpha");
         a->set_type(AttributeProto::FLOAT);
         a->set_i(1);
       }},
      {"NaN attribute", bad_input, "NaN",
       [](ModelProto& m) {
         auto* a = attribute(m, "alpha");
         a->set_type(AttributeProto::FLOAT);
         a->set_f(std::numeric_limits<float>::quiet_NaN());
       }},
      {"duplicate attribute", bad_input, "duplicate attribute 'axes'",
       [=](ModelProto& m) {
         add_ints(*node(m, 0), "axes", {1});
         add_ints(*node(m, 0), "axes", {1});
       }},
      {"sequence input", unsupported, "not a tensor",
       [](ModelProto& m) { m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type(); }},
      {"input without a shape", unsupported, "without a shape",
       [](ModelProto& m) { m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape(); }},
      {"huge input", resource, "2^31",
       [](ModelProto& m) { input_shape(m)->mutable_dim(1)->set_dim_value(std::int64_t{1} << 40); }},
  };
  return cases;
}

TEST(Load, RefusesWhatIsBrokenOrOutsideItsReach) {
  for (const Refused& c : refused()) {
    ModelProto m = small_model();
    c.breaks(m);
    const auto graph = parse(m);
    ASSERT_FALSE(graph) << c.name;
    EXPECT_EQ(graph.error().kind, c.kind) << c.name << ": " << graph.error().text();
    EXPECT_THAT(graph.error().text(), HasSubstr(c.word)) << c.name;
  }
}

AttributeProto* add_body(onnx::NodeProto* node, const std::string& name) {
  auto* a = node->add_attribute();
  a->set_name(name);
  a->set_type(AttributeProto::GRAPH);
  return a;
}
void add_inner(google::protobuf::RepeatedPtrField<onnx::NodeProto>* nodes, const std::string& op,
               const std::vector<std::string>& inputs, const std::string& output) {
  auto* n = nodes->Add();
  n->set_op_type(op);
  for (const auto& name : inputs) n->add_input(name);
  n->add_output(output);
}

TEST(Load, BodiesSayWhatTheyReadOfTheOuterGraph) {
  ModelProto m = small_model();
  add_initializer(m, "yes", {}, {})->set_data_type(TensorProto::BOOL);
  m.mutable_graph()->mutable_initializer(2)->add_int32_data(1);
  auto* branch = add_node(m, "If", {"yes"}, {"z"});
  auto* then_graph = add_body(branch, "then_branch")->mutable_g();
  add_inner(then_graph->mutable_node(), "Add", {"t", "b"}, "s");  // before what it reads: sorted
  add_inner(then_graph->mutable_node(), "Relu", {"y"}, "t");
  then_graph->add_output()->set_name("s");
  auto* else_graph = add_body(branch, "else_branch")->mutable_g();
  add_inner(else_graph->mutable_node(), "Tanh", {"x"}, "u");
  else_graph->add_output()->set_name("u");
  m.mutable_graph()->mutable_output(0)->set_name("z");
  const auto graph = parse(m);
  ASSERT_TRUE(graph) << graph.error().text();
  const Node& node = graph->nodes.back();
  EXPECT_THAT(node.inputs, ElementsAre("yes", "x", "b", "y"));
  const auto& then_branch = *std::get<Subgraph>(node.attributes.at("then_branch"));
  EXPECT_THAT(then_branch.captures, ElementsAre("x", "b", "y")) << "one list for both bodies";
  EXPECT_EQ(then_branch.nodes[0].op, "Relu");

  add_inner(then_graph->mutable_node(), "Relu", {"x"}, "t");
  EXPECT_THAT(parse(m).error().text(), HasSubstr("more than one producer"));
}

/// scale(x; factor = 2): LeakyRelu of x with alpha = factor, called twice(x) = scale(scale(x)).
ModelProto with_functions() {
  ModelProto m = small_model();
  auto* f = m.add_functions();
  f->set_name("scale");
  f->set_domain("own");
  f->add_input("in");
  f->add_output("out");
  f->add_attribute("factor");
  add_inner(f->mutable_node(), "LeakyRelu", {"in"}, "t");
  auto* a = f->mutable_node(0)->add_attribute();
  a->set_name("alpha");
  a->set_type(AttributeProto::FLOAT);
  a->set_ref_attr_name("factor");
  add_inner(f->mutable_node(), "Relu", {"t"}, "out");
  auto* g = m.add_functions();
  g->set_name("twice");
  g->set_domain("own");
  g->add_input("x");
  g->add_output("y");
  for (const auto& [from, to] : {std::pair{"x", "t"}, std::pair{"t", "y"}}) {
    add_inner(g->mutable_node(), "scale", {from}, to);
    g->mutable_node(g->node_size() - 1)->set_domain("own");
    auto* factor = g->mutable_node(g->node_size() - 1)->add_attribute();
    factor->set_name("factor");
    factor->set_type(AttributeProto::FLOAT);
    factor->set_f(0.5F);
  }
  auto* call = add_node(m, "twice", {"y"}, {"z"});
  call->set_domain("own");
  call->set_name("call");
  m.mutable_graph()->mutable_output(0)->set_name("z");
  return m;
}

TEST(Load, FunctionsAreWrittenOut) {
  const auto graph = parse(with_functions());
  ASSERT_TRUE(graph) << graph.error().text();
  std::vector<std::string> ops;
  for (const Node& node : graph->nodes) ops.push_back(node.op);
  EXPECT_THAT(ops, ElementsAre("Gemm", "Relu", "LeakyRelu", "Relu", "LeakyRelu", "Relu"));
  EXPECT_EQ(graph->nodes[2].name, "call/scale_0/LeakyRelu_0");
  EXPECT_EQ(graph->nodes[2].float_or("alpha", 0).value(), 0.5F);
  EXPECT_THAT(graph->nodes[2].inputs, ElementsAre("y"));
  EXPECT_THAT(graph->nodes[5].outputs, ElementsAre("z"));
}

TEST(Load, FunctionsAreBounded) {
  ModelProto recursive = with_functions();
  recursive.mutable_functions(0)->mutable_node(1)->set_op_type("twice");
  recursive.mutable_functions(0)->mutable_node(1)->set_domain("own");
  EXPECT_THAT(parse(recursive).error().text(), HasSubstr("more than 16 deep"));
  ModelProto wide;  // 2^15 calls of each other, each a few bytes in the file
  wide = small_model();
  for (int k = 0; k < 15; ++k) {
    auto* f = wide.add_functions();
    f->set_name("f" + std::to_string(k));
    f->set_domain("own");
    f->add_input("x");
    f->add_output("y");
    std::string from = "x";
    for (int i = 0; i < 3; ++i) {
      const std::string to = i == 2 ? "y" : "t" + std::to_string(i);
      add_inner(f->mutable_node(), k == 14 ? "Relu" : "f" + std::to_string(k + 1), {from}, to);
      if (k < 14) f->mutable_node(i)->set_domain("own");
      from = to;
    }
  }
  add_node(wide, "f0", {"y"}, {"z"})->set_domain("own");
  wide.mutable_graph()->mutable_output(0)->set_name("z");
  const auto graph = parse(wide);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().kind, ErrorKind::resource);
  EXPECT_THAT(graph.error().text(), HasSubstr("more than 65536 nodes"));
  ModelProto missing = with_functions();
  missing.mutable_functions(0)->mutable_node(1)->set_input(0, "nowhere");
  EXPECT_THAT(parse(missing).error().text(), HasSubstr("nothing in the function produces input 'nowhere'"));
}

TEST(Load, MinusInfinityHidesInMasksOnly) {
  ModelProto m = small_model();
  m.mutable_graph()->mutable_initializer(0)->set_float_data(3, -std::numeric_limits<float>::infinity());
  auto graph = parse(m);
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_THAT(prepare(*graph, ops::float_operators()).error().text(), HasSubstr("holds minus infinity (node 'dense' (Gemm))"));
}

TEST(Load, RefusesWhatIsNoProtobuf) {
  EXPECT_THAT(parse(Bytes{}).error().text(), HasSubstr("no graph"));
  EXPECT_THAT(parse(Bytes{'{', '}', '\n'}).error().text(), HasSubstr("malformed"));
  Bytes cut = bytes_of(small_model());
  cut.resize(cut.size() - 3);
  EXPECT_THAT(parse(cut).error().text(), HasSubstr("malformed"));
}

TEST(Load, BoundsBytesNodesTensorsFieldsAndDepth) {
  LoadOptions options;
  options.max_file_bytes = 10;
  EXPECT_EQ(parse(small_model(), options).error().kind, ErrorKind::resource);
  options = {};
  options.max_nodes = 1;
  EXPECT_THAT(parse(small_model(), options).error().text(), HasSubstr("more than 1 nodes"));
  options = {};
  options.max_tensor_bytes = 4 * 14;
  EXPECT_EQ(parse(small_model(), options).error().kind, ErrorKind::resource);
  options.max_tensor_bytes = 4 * 15;
  EXPECT_TRUE(parse(small_model(), options));

  // Packed numbers of one byte each: 8 bytes each in memory.
  ModelProto packed = small_model();
  auto* many = add_initializer(packed, "many", {1000}, {});
  many->set_data_type(TensorProto::INT64);
  for (int i = 0; i < 1000; ++i) many->add_int64_data(1);
  EXPECT_THAT(parse(packed, options).error().text(), HasSubstr("numbers"));

  // A field of two bytes becomes a message of hundreds.
  Bytes flood;
  for (std::size_t i = 0; i < (std::size_t{1} << 22) + 1; ++i) flood.insert(flood.end(), {0x42, 0x00});
  EXPECT_THAT(parse(flood).error().text(), HasSubstr("fields"));

  ModelProto deep = small_model();
  auto* graph = deep.mutable_graph();
  for (int i = 0; i < 100; ++i) {
    auto* a = graph->add_node()->add_attribute();
    graph = a->mutable_g();
  }
  EXPECT_THAT(parse(deep).error().text(), HasSubstr("nested"));
}

TEST(Load, EveryChangedByteGivesAGraphOrAnError) {
  ModelProto m = small_model();
  add_node(m, "Constant", {}, {"shape"})->add_attribute();
  auto* value = m.mutable_graph()->mutable_node(2)->mutable_attribute(0);
  value->set_name("value_ints");
  value->set_type(AttributeProto::INTS);
  value->add_ints(3);
  value->add_ints(1);
  add_node(m, "Reshape", {"y", "shape"}, {"z"});
  add_output(m, "z");
  const Bytes whole = bytes_of(m);
  std::size_t graphs = 0, errors = 0;
  const auto try_bytes = [&](const Bytes& bytes) {
    auto graph = parse(bytes);
    if (graph && prepare(*graph, ops::float_operators()))
      ++graphs;
    else
      ++errors;
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    try_bytes(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i)));
    for (const int bit : {0, 1, 3, 5, 7}) {
      Bytes changed = whole;
      changed[i] ^= static_cast<std::uint8_t>(1 << bit);
      try_bytes(changed);
    }
  }
  EXPECT_GT(graphs, 0U);
  EXPECT_GT(errors, whole.size());
}

}  // namespace
}  // namespace dsperse::model
