import Files
import Testing

@testable import Families

@Suite("Weights that a layer computes from other tensors")
struct ParametrizationTests {
  @Test(
    "They are named, with what puts the weight in their place",
    arguments: [
      (["fc.weight_orig", "fc.weight_mask"], "fc.weight_mask", "prune.remove"),
      (["fc.weight_g", "fc.weight_v"], "fc.weight_g", "remove_weight_norm"),
      (
        ["conv1.weight_orig", "conv1.weight_u", "conv1.weight_v"], "conv1.weight_u", "spectral_norm"
      ),
      (
        ["fc.parametrizations.weight.original0", "fc.parametrizations.weight.original1"],
        "fc.parametrizations.weight.original0", "remove_parametrizations"
      ),
    ] as [([String], String, String)])
  func parts(_ names: [String], place: String, remedy: String) {
    var source = NamedShapes()
    source.add("conv1.weight", 8, 3, 7, 7)
    for name in names { source.add(name, 10, 32) }
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.problem == "has a weight in parts, of which its layer computes it")
    #expect(error?.place == place)
    #expect(error?.hint?.contains(remedy) == true)
  }

  @Test(
    "A name alone makes no such weight", arguments: ["fc.weight_g", "fc.weight_mask", "weight_g"])
  func namesAlone(_ name: String) {
    var source = NamedShapes()
    source.add(name, 10, 32)
    #expect(Parametrization.refusal(source.tensors, path: source.path) == nil)
  }
}
