import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("TensorFlow's checkpoints")
struct TensorFlowTests {
  @Test("CRC-32C is that of the standard, at any length")
  func checksum() {
    func sum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes(CRC32C.checksum) }
    #expect(sum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(sum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(sum(Array(0..<32)) == 0x46DD_794E)
    #expect(sum([]) == 0)
  }

  @Test("Snappy's literals and copies, and what is none of them")
  func snappy() {
    // "ab", then 8 bytes from 2 before, by each form of a copy.
    let literal: [UInt8] = [10, 1 << 2] + Array("ab".utf8)
    for copy in [[4 << 2 | 1, 2], [7 << 2 | 2, 2, 0], [7 << 2 | 3, 2, 0, 0, 0]] as [[UInt8]] {
      #expect(Snappy.inflated((literal + copy)[...]) == Array("ababababab".utf8))
    }
    let long = [UInt8](repeating: 7, count: 100)
    #expect(Snappy.inflated(([100, 60 << 2, 99] + long)[...]) == long)
    let damaged: [[UInt8]] = [
      [], literal, [200, 1], [3, 4 << 2 | 1, 1], literal + [7 << 2 | 2, 3, 0],
      literal + [7 << 2 | 2, 0, 0], literal + [63 << 2 | 2, 1, 0],
      [255, 255, 255, 255, 15, 0, 1], [5, 60 << 2],
      [255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
    ]
    for bytes in damaged { #expect(Snappy.inflated(bytes[...]) == nil, "\(bytes)") }
  }

  @Test(
    "Every form of a checkpoint by name holds the same tensors",
    arguments: ["slim.parts", "slim.snappy", "slim.ckpt"])
  func forms(_ name: String) throws {
    let truth = try WeightFile.open(Fixture.path("tensorflow/slim/model.ckpt-3"))
    #expect(truth.container == "tf-checkpoint")
    let other = try WeightFile.open(Fixture.path("tensorflow/\(name)"))
    #expect(Set(other.tensors) == Set(truth.tensors))
    #expect(truth.tensors.contains { $0.name == "global_step" && $0.dtype == .int64 })
    for tensor in truth.tensors {
      let first = try truth.tensor(named: tensor.name)
      let second = try other.tensor(named: tensor.name)
      #expect(first.withUnsafeBytes { Array($0) } == second.withUnsafeBytes { Array($0) })
    }
  }

  @Test(
    "A checkpoint is found by its folder, the file beside it, and any part of it",
    arguments: [
      "slim", "slim/", "slim/checkpoint", "slim/model.ckpt-3", "slim/model.ckpt-3.index",
      "slim/model.ckpt-3.data-00000-of-00001",
    ])
  func places(_ name: String) throws {
    let source = try WeightFile.open(Fixture.path("tensorflow/\(name)"))
    #expect(source.metadata["tf.index"] == "model.ckpt-3.index")
    #expect(source.files.count == 2)
    #expect(source.path.hasSuffix(name))
  }

  @Test("The checkpoint in the folder of a SavedModel is found", arguments: ["", "saved_model.pb"])
  func savedModel(_ name: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write([0x08, 1, 0x12], to: "saved_model.pb")
    try folder.makeFolder("variables")
    for ending in ["index", "data-00000-of-00001"] {
      let bytes = try Fixture.bytes("tensorflow/keras.weights.\(ending)")
      _ = try folder.write(bytes, to: "variables/variables.\(ending)")
    }
    let path = name.isEmpty ? folder.path : folder.file(name)
    let source = try WeightFile.open(path)
    #expect(source.tensors.contains { $0.name == "conv1_conv/kernel" })
  }

  @Test("Of a checkpoint by object the variables have their full names, and the optimizer none")
  func objects() throws {
    let training = try WeightFile.open(Fixture.path("tensorflow/keras.training"))
    let weights = try WeightFile.open(Fixture.path("tensorflow/keras.weights"))
    #expect(Set(training.tensors) == Set(weights.tensors))
    #expect(training.tensors.allSatisfy { !$0.name.contains(".ATTRIBUTES") })
    #expect(training.metadata["ignored.entries"] == "9")
  }

  @Test("The optimizer of a compiled model of Keras 3 is within the model, and passed over too")
  func optimizerWithin() throws {
    let keys = [
      "model/_operations/1/_kernel", "model/optimizer/_variables/7", "model/optimizer/_iterations",
      "optimizer/beta_1", "save_counter", "model/optimizer/kernel", "optimizers/kernel",
      // Variables of the model that nothing but the optimizer has a shorter way to.
      "optimizer/_trainable_variables/3", "model/optimizer/_trainable_variables/4",
    ]
    let entries = keys.map { key in
      BundleEntry(
        key: key + "/.ATTRIBUTES/VARIABLE_VALUE", type: 1, shape: [1], shard: 0, offset: 0,
        count: 4, checksum: 0)
    }
    #expect(
      try BundleNames(entries, graph: []).tensors.map(\.name)
        == [
          "model/_operations/1/_kernel", "model/optimizer/kernel", "optimizers/kernel",
          "optimizer/_trainable_variables/3", "model/optimizer/_trainable_variables/4",
        ])
  }

  @Test("A variable that an exported model of Keras 3 keeps in two lists is one tensor")
  func exported() throws {
    let source = try WeightFile.open(Fixture.path("tensorflow/keras3.export"))
    let weights = try WeightFile.open(Fixture.path("tensorflow/keras.weights"))
    #expect(Set(source.tensors) == Set(weights.tensors))
    for tensor in weights.tensors {
      let found = try source.tensor(named: tensor.name).floats()
      #expect(try found == weights.tensor(named: tensor.name).floats(), "\(tensor.name)")
    }
  }

  @Test(
    "A count at the root is beside the model, another number is not",
    arguments: [
      ("step", 9, 0, true), ("scale", 1, 0, false), ("step", 9, 1, false),
      ("net/step", 9, 0, false),
    ])
  func counts(_ name: String, type: Int, rank: Int, isAside: Bool) throws {
    let entry = BundleEntry(
      key: name + "/.ATTRIBUTES/VARIABLE_VALUE", type: type,
      shape: Shape(Array(repeating: 1, count: rank)), shard: 0, offset: 0, count: 8, checksum: 0)
    #expect(try BundleNames([entry], graph: []).tensors.isEmpty == isAside)
  }

  @Test("Of several checkpoints in a folder none is guessed")
  func several() throws {
    let folder = try TemporaryFolder()
    for name in ["a.index", "b.index"] { _ = try folder.write([1], to: name) }
    let error = #expect(throws: InputError.self) { try WeightFile.open(folder.path) }
    #expect(error?.place == "a.index, b.index")
    // The file beside them tells which is the last one; its folder may be of another machine.
    let text = "model_checkpoint_path: \"/home/x/b\"\nall_model_checkpoint_paths: \"/home/x/a\"\n"
    _ = try folder.write(Array(text.utf8), to: "checkpoint")
    for ending in ["index", "data-00000-of-00001"] {
      let bytes = try Fixture.bytes("tensorflow/slim/model.ckpt-3.\(ending)")
      _ = try folder.write(bytes, to: "b.\(ending)")
    }
    #expect(try WeightFile.open(folder.path).metadata["tf.index"] == "b.index")
  }

  @Test("A file of data that is missing or cut off is named")
  func missingData() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(try Fixture.bytes("tensorflow/slim.parts.index"), to: "x.index")
    let first = try Fixture.bytes("tensorflow/slim.parts.data-00000-of-00002")
    _ = try folder.write(first, to: "x.data-00000-of-00002")
    let missing = #expect(throws: InputError.self) {
      try WeightFile.open(folder.file("x"))
    }
    #expect(missing?.path.hasSuffix("x.data-00001-of-00002") == true)
    #expect(missing?.reason == .missing)
    _ = try folder.write([1, 2], to: "x.data-00001-of-00002")
    let cut = #expect(throws: InputError.self) { try WeightFile.open(folder.file("x")) }
    #expect(cut?.problem.contains("cut off") == true)
  }

  @Test("Any changed byte of the index is found, and any of a tensor when it is read")
  func damage() throws {
    let folder = try TemporaryFolder()
    let index = try Fixture.bytes("tensorflow/slim/model.ckpt-3.index")
    let data = try Fixture.bytes("tensorflow/slim/model.ckpt-3.data-00000-of-00001")
    let path = try folder.write(index, to: "x.index")
    _ = try folder.write(data, to: "x.data-00000-of-00001")
    let blocks = index.count - 48
    for offset in stride(from: 0, to: blocks, by: 29) {
      var changed = index
      changed[offset] ^= 4
      _ = try folder.write(changed, to: "x.index")
      #expect(throws: InputError.self, "\(offset)") { try WeightFile.open(path) }
    }
    _ = try folder.write(index, to: "x.index")
    for offset in [0, data.count / 2, data.count - 1] {
      var changed = data
      changed[offset] ^= 1
      _ = try folder.write(changed, to: "x.data-00000-of-00001")
      let source = try WeightFile.open(path)
      let damaged = source.tensors.filter { tensor in
        do { _ = try source.tensor(named: tensor.name) } catch { return true }
        return false
      }
      #expect(damaged.count == 1)
    }
  }

  @Test("The first form is checked whole when it is opened")
  func damageV1() throws {
    let folder = try TemporaryFolder()
    let good = try Fixture.bytes("tensorflow/slim.ckpt")
    for offset in stride(from: 11, to: good.count - 48, by: 2003) {
      var bytes = good
      bytes[offset] ^= 16
      let path = try folder.write(bytes, to: "x\(offset)")
      let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
      #expect(error?.reason == .damaged, "\(offset)")
    }
  }
}
