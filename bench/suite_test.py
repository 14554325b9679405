"""The logic of the benchmark scripts: fits, guards, restarts, rows, tables, figures, the document."""
import json
import pathlib
import sys
import tempfile
import unittest
import xml.dom.minidom

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import fit  # noqa: E402
import machine  # noqa: E402
import peer_table  # noqa: E402
import peers  # noqa: E402
import plot  # noqa: E402
import process  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
import steps  # noqa: E402
import suite  # noqa: E402
import tensor  # noqa: E402

HERE = pathlib.Path(__file__).parent
GATES = json.loads((HERE / "gates.json").read_text())


def model(prove, slices=1, memory=1e6, **more):
    """A model step's data."""
    names = {"run": 1e-4, "prove": prove, "verify": 3e-3, "proofs": 1e6, "peak memory, prove": memory, "compile": 1.0, **more}
    for i in range(slices):
        names |= {f"prove slice {i}": prove / slices, f"run, trees and proof, slice {i}": prove / slices, f"verify slice {i}": 1e-3, f"peak memory, slice {i}": memory, f"proof, slice {i}": 1e5}
    counts = {"multiply_adds": 1000, "lookups": 400, "weight_symbols": 10, "witness_symbols": 200}
    return {"ended": "well", "wall_s": 1, "user_s": 1, "system_s": 0, "peak_bytes": 2e6, "native_s": 2e-5, "fidelity": {},
            "results": {n: [v, v * 0.9, v * 1.1, v * 2] for n, v in names.items()}, "slices": [{"operators": "Conv", **counts}] * slices}


def verbs(prove):
    step = lambda s: {"ended": "well", "wall_s": s, "user_s": s, "system_s": 0, "peak_bytes": 3e6}
    return {**{v: step(prove) for v in ("slice", "compile", "run", "prove", "verify")}, "key_bytes": 10, "proving_key_bytes": 20,
            "proof_bytes": 30, "outputs": [1.0, 2.0]}


class Fits(unittest.TestCase):
    def test_exponents_of_exact_power_laws(self):
        for p in (0.5, 1, 1.7):
            self.assertAlmostEqual(fit.exponent([(2.0 ** k, 3 * 2.0 ** (k * p)) for k in range(12, 25)]), p)

    def test_a_line_is_found_whatever_its_size(self):
        fixed, per = fit.line([(x, 5 + 0.25 * x) for x in (1, 10, 1000, 1e6)])
        self.assertAlmostEqual(fixed, 5)
        self.assertAlmostEqual(per, 0.25)

    def test_the_upper_half_decides(self):
        points = [(2.0 ** k, 1 + 2.0 ** k / 2 ** 16) for k in range(4, 25)]
        self.assertLess(fit.exponent(points), 0.6)
        self.assertGreater(fit.exponent(fit.largest(points, 0.3)), 0.9)
        self.assertEqual(len(fit.largest(points[:4])), 3)

    def test_one_size_makes_no_line(self):
        with self.assertRaises(ValueError):
            fit.exponent([(4, 1), (4, 2)])


class Processes(unittest.TestCase):
    def test_ends_and_what_they_say(self):
        self.assertEqual(process.run(["sh", "-c", "echo hello"])["out"], "hello\n")
        failed = process.run(["sh", "-c", "echo 'load\rerror: no such file' >&2; echo '  where: x' >&2; exit 3"])
        self.assertEqual((failed["ended"], failed["error"]), ("failed", "error: no such file"))

    def test_time_and_memory_are_guarded(self):
        late = process.run(["sleep", "20"], seconds=0.2)
        self.assertEqual(late["ended"], "time")
        self.assertLess(late["wall_s"], 10)
        large = process.run([sys.executable, "-c", "import time; x = bytearray(200 << 20); time.sleep(20)"], memory_bytes=100 << 20)
        self.assertEqual(large["ended"], "memory")

    def test_memory_is_the_childs_own(self):
        held = bytearray(64 << 20)  # a child starts as a copy of this process, which must not count
        small = process.run(["sleep", "0.3"])
        self.assertLess(small["peak_bytes"], 32 << 20)
        self.assertEqual(len(held), 64 << 20)
        large = process.run([sys.executable, "-c", "import time; x = bytearray(150 << 20); time.sleep(0.3)"])
        self.assertGreater(large["peak_bytes"], 150 << 20)


class Restarts(unittest.TestCase):
    def test_a_finished_step_is_not_done_again(self):
        with tempfile.TemporaryDirectory() as folder:
            path, calls = pathlib.Path(folder) / "r.jsonl", []
            for _ in range(2):
                run = steps.Steps(path, {"mode": "x"})
                self.assertEqual(run.step("a", lambda: calls.append(1) or {"v": 1}), {"v": 1})
            self.assertEqual(len(calls), 1)
            with path.open("a") as out:
                out.write('{"step": "b", "da')  # killed while writing
            run = steps.Steps(path, {"mode": "x"})
            self.assertEqual(set(run.done), {"a"})
            run.step("c", lambda: 3)
            self.assertEqual(set(steps.Steps(path, {"mode": "x"}).done), {"a", "c"})

    def test_steps_are_forgotten(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.jsonl"
            run = steps.Steps(path, {})
            for name in ("a/1", "a/2", "b/1"):
                run.step(name, lambda: 0)
            run.forget("a/")
            self.assertEqual(set(steps.Steps(path, {}).done), {"b/1"})

    def test_other_programs_begin_anew(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.jsonl"
            steps.Steps(path, {"programs": "1"}).step("a", lambda: 1)
            self.assertEqual(steps.Steps(path, {"programs": "2"}).done, {})
            self.assertEqual(steps.Steps(path, {"programs": "2"}, fresh=True).done, {})


class Tables(unittest.TestCase):
    def test_every_gate_has_a_row_and_its_verdict(self):
        run = {"kernel/field_bench": {"run/mul_avx512/real": {"ns_per_element": [0.5, 0.3, 0.4]}},
               "kernel/bounds_bench": {"copy/16384": {"bytes_per_second": [80e9]}},
               f"model/lenet5/{suite.UNSLICED}/1": model(0.02), f"model/lenet5/{suite.UNSLICED}/2": model(0.01),
               "float/lenet5": {"ended": "well", "run_s": [4e-5, 4e-5, 4e-5]},
               "run/lenet5": {"ended": "well", "ratio": 0.5, "integer_us": 20, "float_us": 40}}
        table = {r["name"]: r for r in rows.rows({"steps": run}, GATES)}
        mul = table["field multiplication, AVX-512, in cache"]
        self.assertEqual((mul["value"], mul["min"], mul["max"], rows.verdict(mul)), (0.4, 0.3, 0.5, "target met"))
        self.assertAlmostEqual(mul["bound"]["ratio"], 4)
        prove = table["lenet5, unsliced: prove"]
        self.assertAlmostEqual(prove["value"], 20)
        self.assertIn("gate met, target missed x 3.33", rows.verdict(prove))
        self.assertAlmostEqual(prove["bound"]["ratio"], 500)
        self.assertAlmostEqual(table["lenet5: integer run, of float ONNX Runtime's time"]["value"], 0.5)
        self.assertAlmostEqual(table["lenet5, unsliced: prove, one thread's time by two threads'"]["value"], 2)
        self.assertIn("gate missed x 2.00", rows.verdict({**prove, "value": 60}))
        self.assertIn("lenet5, unsliced: prove", rows.text(list(table.values())))

    def test_what_did_not_fit_is_a_row(self):
        run = {f"model/resnet18_224/{suite.UNSLICED}/1": {"ended": "memory", "wall_s": 1, "user_s": 1, "system_s": 0, "peak_bytes": 1}}
        found = [r for r in rows.rows({"steps": run}, GATES) if r["name"] == "resnet18_224, unsliced: prove"]
        self.assertEqual((found[0]["value"], found[0]["note"]), (None, "did not fit the memory that a process may take"))

    def test_growth_takes_the_counts_of_the_plan(self):
        run = {}
        for log in range(12, 25):
            data = model(1e-9 * 2 ** log)
            data["slices"][0] = {**data["slices"][0], "lookups": 2 ** log}
            run[f"curve/lookups/{log}"] = data
        run["curve/lookups/24/2"] = model(1)  # two threads: not of the curve
        table = {r["name"]: r for r in rows.rows({"steps": run}, GATES)}
        self.assertAlmostEqual(table["prove over lookups: exponent"]["value"], 1)
        self.assertAlmostEqual(table["proof over lookups: exponent"]["value"], 0)

    def test_kept_json_is_whole_and_short(self):
        document = {"about": {"mode": "x"}, "steps": {"a": {"v": [1 / 3, 2]}, "b": {}}}
        self.assertEqual(json.loads(rows.compact(document)), {"about": {"mode": "x"}, "steps": {"a": {"v": [0.333333, 2]}, "b": {}}})

    def test_every_gate_names_a_model(self):
        self.assertLessEqual(set(GATES["models"]), set(suite.MODELS))
        self.assertLessEqual({n for m in suite.MODES.values() for n in m["models"]} | set(peers.MODELS), set(suite.MODELS))
        for gate in GATES["models"].values():
            self.assertIn(gate["cut"], suite.CUTS)


class Peers(unittest.TestCase):
    ABOUT = {"threads": 2, "memory_gib": 16, "minutes": 20, "packages": ["ezkl==1"], "inner_columns": {"lenet5": 6},
             "machine": {"cores": 2, "architecture": "x", "instruction_sets": [], "caches": {}, "memory_gib": 1}, "version": "v"}

    def document(self, theirs):
        return {"about": self.ABOUT, "steps": {
            "onnxruntime/lenet5": {"ended": "well", "run_s": [4e-5, 4e-5, 4e-5], "peak_bytes": 5e7, "outputs": [1.0, 2.5]},
            "dsperse/lenet5": verbs(0.1), f"bench/lenet5": model(0.01), "ezkl/lenet5/proof": theirs}}

    def test_a_step_that_did_not_fit_is_told(self):
        step = {"ended": "well", "wall_s": 2.0, "user_s": 2.0, "system_s": 0.0, "peak_bytes": 1e9}
        theirs = {"settings": step, "calibrate": {**step, "scales": [7, 7], "inner_columns": 6, "logrows": 17, "rows": 9}, "compile": step,
                  "srs": step, "setup": {**step, "ended": "memory", "peak_bytes": 16e9, "error": ""}}
        document = self.document(theirs)
        line = peer_table.cells(document)[2]
        self.assertIn("setup: did not fit 16 GiB", line)
        self.assertIn("16 GB", line)
        self.assertIn("did not fit", peer_table.text(document))

    def test_sums_and_errors(self):
        step = {"ended": "well", "wall_s": 2.0, "user_s": 2.0, "system_s": 0.0, "peak_bytes": 1e9}
        theirs = {n: step for n in ("settings", "calibrate", "compile", "srs", "prove", "verify")}
        theirs |= {"setup": {**step, "key_bytes": 5, "proving_key_bytes": 6}, "witness": {**step, "outputs": [1.0, 2.25]}}
        f = peer_table.facts(self.document(theirs), "lenet5")
        self.assertEqual(f["EZKL"]["set-up"], 10)
        self.assertEqual(f["EZKL"]["mean error"], 0.125)
        self.assertEqual(f["dsperse"]["mean error"], 0.25)
        self.assertEqual(f["ONNX Runtime"]["witness"], 4e-5)

    def test_the_coarsest_scale_that_is_as_exact_as_ours(self):
        tried = [{"scale": 4, "mean_error": 0.3}, {"scale": 5, "ended": "failed"}, {"scale": 6, "mean_error": 0.1}]
        self.assertEqual(peers.best(tried)["scale"], 6)
        self.assertIsNone(peers.best([{"scale": 4, "ended": "memory"}]))


class Figures(unittest.TestCase):
    def test_svg_is_well_formed_and_the_same_every_time(self):
        series = {"a < b": [(2 ** k, 1e-3 * 2 ** k) for k in range(12, 25)], "c": [(4096, 2), (1e6, 3)]}
        picture = plot.curves("t & t", "x", "y", series)
        self.assertEqual(picture, plot.curves("t & t", "x", "y", series))
        xml.dom.minidom.parseString(picture)
        self.assertEqual(picture.count("<circle"), 15)
        picture = plot.bars("b", "s", [("m", [("one", 0.5, "0.5"), ("two", None, "did not fit")])])
        xml.dom.minidom.parseString(picture)
        self.assertIn("did not fit", picture)

    def test_numbers(self):
        self.assertEqual([plot.number(x) for x in (0, 1, 1500, 1e6, 999.9, 0.02, 3e-6)], ["0", "1", "1.5k", "1M", "1k", "20m", "3µ"])


class Document(unittest.TestCase):
    def test_parts_are_filled_and_other_text_stays(self):
        run = {f"model/vgg16_cifar/{suite.BLOCKS}/1": model(0.3, 2), f"model/vgg16_cifar/{suite.UNSLICED}/1": model(0.2),
               f"model/vgg16_cifar/{suite.UNSLICED}/2": model(0.1), f"verbs/vgg16_cifar/{suite.UNSLICED}/1": verbs(1)}
        documents = {"default": {"about": Peers.ABOUT, "steps": run}, "default-2": None, "large": None, "peers": None}
        text = "head\n" + "".join(f"<!-- bench/report.py: {p} -->\nSTALE\n<!-- end -->\nbetween\n" for p in report.PARTS) + "tail\n"
        filled = report.filled(text, documents, GATES)
        self.assertNotIn("STALE", filled)
        self.assertEqual(filled.count("between"), len(report.PARTS))
        self.assertTrue(filled.startswith("head\n") and filled.endswith("tail\n"))
        self.assertEqual(report.filled(filled, documents, GATES), filled)
        self.assertIn("| vgg16_cifar | unsliced | 1 | 100 µs | 200 ms | 100 ms |", filled)
        with self.assertRaises(KeyError):
            report.filled("<!-- bench/report.py: other -->\n<!-- end -->", documents, GATES)

    def test_no_results_are_said_to_be_none(self):
        nothing = {"default": None, "default-2": None, "large": None, "peers": None}
        for make in report.PARTS.values():
            self.assertEqual(make(nothing, GATES), report.NOTHING)


class Small(unittest.TestCase):
    def test_machine_in_words(self):
        self.assertEqual(machine.instruction_sets("x\nflags\t\t: fpu avx2 avx512f\n"), ["AVX2", "AVX-512"])
        words = machine.in_words({"cores": 2, "architecture": "x86_64", "instruction_sets": ["AVX2"], "caches": {"L2": 1 << 20}, "memory_gib": 24})
        self.assertEqual(words, "2 cores of an x86_64 CPU with AVX2; caches: 1 MiB L2; 24 GiB of memory")

    def test_npy(self):
        data = tensor.npy((1, 2), [0.5, -1.0])
        self.assertEqual(len(data) % 64, 8)
        self.assertIn(b"(1, 2,)", data)
        self.assertEqual(tensor.normal(3), tensor.normal(5)[:3])

    def test_document_of_bench(self):
        document = {"plan": {"slices": [{"operators": ["a", "b"], "multiply_adds": 1, "lookups": 2, "weight_symbols": 3, "witness_symbols": 4}],
                             "trust": {"slices": [{"native_s": 0.5}]}, "fidelity": {"outputs": [{"name": "y", "cosine": 1}]}},
                    "results": [{"name": "prove", "value": 1, "min": 0.5, "max": 2, "predicted": 3}, {"name": "run", "value": 1, "min": 1, "max": 1}]}
        data = suite.bench_data(document)
        self.assertEqual(data["results"], {"prove": [1, 0.5, 2, 3], "run": [1, 1, 1, None]})
        self.assertEqual((data["native_s"], data["fidelity"]), (0.5, {"cosine": 1}))


if __name__ == "__main__":
    unittest.main()
