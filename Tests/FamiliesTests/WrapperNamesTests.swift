import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Names of PyTorch's wrapped and doubled networks")
struct WrapperNamesTests {
  @Test(
    "The words for a part that is wrapped are taken out of names, wherever they stand",
    arguments: [
      "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "module",
      "_fsdp_wrapped_module._checkpoint_wrapped_module",
    ])
  func within(_ word: String) throws {
    var plain = NamedShapes.torchvision()
    plain.addDense("fc", 64, 5)
    let expected = try Mapping(plain)
    for start in ["", "module.", "_orig_mod.", "net._orig_mod."] {
      let wrapped = plain.renaming { name in
        start
          + name.replacing("layer2.0.", with: "layer2.0.\(word).")
          .replacing("layer1.", with: "layer1.\(word).").replacing("fc.", with: "fc.\(word).")
      }
      let mapping = try Mapping(wrapped)
      #expect(mapping.graph.configuration == expected.graph.configuration)
      #expect(mapping.entries.map(\.parameter) == expected.entries.map(\.parameter))
      #expect(mapping.renamedLayers == expected.renamedLayers)
      #expect(
        Set(mapping.entries.map(\.tensor.name)).isSubset(of: Set(wrapped.tensors.map(\.name))))
      let part = try Mapping(wrapped, part: .prefix(start))
      #expect(part.graph.configuration == expected.graph.configuration)
    }
  }

  @Test("They stay where two names would be one without them")
  func collisions() throws {
    var source = NamedShapes.torchvision()
    source.addDense("fc", 64, 5)
    source.tensors += source.renaming { "ema.\($0)" }.tensors
    source.tensors += source.renaming { "ema.module.\($0)" }.tensors.filter {
      !$0.name.contains("ema.module.ema.")
    }
    // Neither copy becomes the other, nor is a tensor said to be there twice.
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.place?.hasPrefix("unexpected ema.") == true, "\(error?.description ?? "")")
  }

  @Test("Of two networks in one file none is taken, nor proposed: their prefixes are listed")
  func twoNetworks() throws {
    var source = NamedShapes.torchvision().renaming { "module.encoder_q.\($0)" }
    source.tensors += NamedShapes.torchvision().renaming { "module.encoder_k.\($0)" }.tensors
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.problem == "holds more than one network of \(Family.torchvision.title)")
    #expect(error?.place == "module.encoder_k. and module.encoder_q.")
    #expect(error?.hint == "--prefix with one of these takes that network")
    let mapping = try Mapping(source, part: .prefix("module.encoder_q."))
    #expect(mapping.entries.allSatisfy { $0.tensor.name.hasPrefix("module.encoder_q.") })
  }

  @Test("timm's deep stem is named", arguments: ["", "backbone."])
  func deepStem(_ prefix: String) throws {
    var source = NamedShapes.torchvision()
    source.tensors.removeAll { $0.name == "conv1.weight" }
    source.add("conv1.0.weight", 4, 3, 3, 3)
    source.addNorm("conv1.1", 4)
    source.add("conv1.3.weight", 4, 4, 3, 3)
    source.addNorm("conv1.4", 4)
    source.add("conv1.6.weight", 8, 4, 3, 3)
    source.addDense("fc", 64, 5)
    let error = #expect(throws: InputError.self) { try Mapping(source.renaming { prefix + $0 }) }
    #expect(error?.place?.hasPrefix("\(prefix)conv1.3.weight: it has a deep stem") == true)
  }
}
