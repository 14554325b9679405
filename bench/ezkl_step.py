"""ezkl_step.py STEP FOLDER [JSON]: one step of EZKL on the files of FOLDER; prints what it learnt as JSON. Run by bench/peers.py in
its virtual environment, every step a process of its own."""
import asyncio
import inspect
import json
import sys
from pathlib import Path

import ezkl


async def done(result):
    """EZKL's functions are plain in some versions and awaited in others."""
    return await result if inspect.isawaitable(result) else result


def settings_of(folder):
    return json.loads((folder / "settings.json").read_text())


async def settings(folder, options):
    arguments = ezkl.PyRunArgs()
    arguments.input_scale = arguments.param_scale = options["scale"]
    arguments.num_inner_cols = options["inner_columns"]
    arguments.input_visibility, arguments.output_visibility, arguments.param_visibility = "public", "public", options["weights"]
    await done(ezkl.gen_settings(str(folder / "model.onnx"), str(folder / "settings.json"), py_run_args=arguments))
    return {}


async def calibrate(folder, options):
    await done(ezkl.calibrate_settings(str(folder / "input.json"), str(folder / "model.onnx"), str(folder / "settings.json"),
                                       "resources", scales=[options["scale"]]))
    found = settings_of(folder)
    arguments = found["run_args"]
    return {"logrows": arguments["logrows"], "rows": found.get("num_rows"), "lookup_range": arguments["lookup_range"],
            "scales": [arguments["input_scale"], arguments["param_scale"]], "inner_columns": arguments["num_inner_cols"],
            "weights": arguments["param_visibility"]}


async def compile(folder, options):
    await done(ezkl.compile_circuit(str(folder / "model.onnx"), str(folder / "model.compiled"), str(folder / "settings.json")))
    return {}


async def srs(folder, options):
    """A reference string of our own: for measuring, not for trusting."""
    await done(ezkl.gen_srs(str(folder / "srs"), settings_of(folder)["run_args"]["logrows"]))
    return {"bytes": (folder / "srs").stat().st_size}


async def setup(folder, options):
    await done(ezkl.setup(str(folder / "model.compiled"), str(folder / "vk"), str(folder / "pk"), str(folder / "srs")))
    return {"key_bytes": (folder / "vk").stat().st_size, "proving_key_bytes": (folder / "pk").stat().st_size}


async def witness(folder, options):
    await done(ezkl.gen_witness(str(folder / "input.json"), str(folder / "model.compiled"), str(folder / "witness.json")))
    found = json.loads((folder / "witness.json").read_text())
    scale = settings_of(folder)["model_output_scales"][0]
    return {"outputs": [ezkl.felt_to_float(x, scale) for x in found["outputs"][0]]}


async def prove(folder, options):
    await done(ezkl.prove(str(folder / "witness.json"), str(folder / "model.compiled"), str(folder / "pk"), str(folder / "proof.json"),
                          srs_path=str(folder / "srs")))
    proof = json.loads((folder / "proof.json").read_text())
    text = proof.get("hex_proof") or proof["proof"]
    return {"proof_bytes": len(text.removeprefix("0x")) // 2 if isinstance(text, str) else len(text)}


async def verify(folder, options):
    accepted = await done(ezkl.verify(str(folder / "proof.json"), str(folder / "settings.json"), str(folder / "vk"), srs_path=str(folder / "srs")))
    if not accepted:
        raise SystemExit("error: EZKL rejects its own proof")
    return {}


async def main():
    steps = {f.__name__: f for f in (settings, calibrate, compile, srs, setup, witness, prove, verify)}
    print("JSON " + json.dumps(await steps[sys.argv[1]](Path(sys.argv[2]), json.loads(sys.argv[3]) if len(sys.argv) > 3 else {})))


if __name__ == "__main__":
    asyncio.run(main())
