import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("Keras files")
struct KerasTests {
  /// Every container of one network, by real Keras, and the kind that it is recognised as.
  static let containers: [(file: String, kind: String)] = [
    ("narrow.h5", "keras-h5"), ("narrow.fixed_names.h5", "keras-h5"),
    ("narrow.split_names.h5", "keras-h5"), ("narrow.latest.h5", "keras-h5"),
    ("narrow.v108.h5", "keras-h5"), ("narrow.track_order.h5", "keras-h5"),
    ("narrow.userblock.h5", "keras-h5"), ("narrow.gzip.h5", "keras-h5"),
    ("narrow.gzip_shuffle_fletcher32.h5", "keras-h5"),
    ("narrow.latest_gzip_shuffle.h5", "keras-h5"), ("narrow.bigendian.h5", "keras-h5"),
    ("narrow.compact.h5", "keras-h5"), ("narrow.tfkeras.full.h5", "keras-full-h5"),
    ("narrow.keras3.full.h5", "keras-full-h5"), ("narrow.bare.full.h5", "keras-full-h5"),
    ("narrow.compiled.full.h5", "keras-full-h5"), ("narrow.weights.h5", "keras-weights-h5"),
    ("narrow.keras", "keras-zip"), ("narrow.tfkeras.keras", "keras-zip"),
    ("narrow.deflated.keras", "keras-zip"),
  ]

  @Test("Every container gives the tensors that Keras holds, bit for bit", arguments: containers)
  func values(_ container: (file: String, kind: String)) throws {
    let truth = try WeightFile.open(Fixture.path("keras/narrow.npz"))
    let source = try WeightFile.open(Fixture.path("keras/\(container.file)"))
    #expect(source.container == container.kind)
    #expect(Set(source.tensors.map(\.name)) == Set(truth.tensors.map(\.name)))
    for info in truth.tensors {
      let tensor = try source.tensor(named: info.name)
      #expect(tensor.shape == info.shape)
      let expected = try truth.tensor(named: info.name).floats()
      #expect(tensor.floats().map(\.bitPattern) == expected.map(\.bitPattern), "\(info.name)")
    }
  }

  @Test(
    "Wider and narrower floats are handed out as they are", arguments: [DType.float16, .float64])
  func floatTypes(_ dtype: DType) throws {
    let truth = try WeightFile.open(Fixture.path("keras/narrow.npz"))
    let source = try WeightFile.open(Fixture.path("keras/narrow.\(dtype.name).h5"))
    for info in source.tensors {
      #expect(info.dtype == dtype)
      let expected = try truth.tensor(named: info.name).floats()
      let values = try source.tensor(named: info.name).floats()
      let rounded = dtype == .float16 ? expected.map { Float(halfBits: $0.halfBits) } : expected
      #expect(values == rounded, "\(info.name)")
    }
  }

  @Test("Counted layers without names keep the container's own names")
  func countedNames() throws {
    let source = try WeightFile.open(Fixture.path("keras/narrow.tfkeras.weights.h5"))
    #expect(source.tensors.contains { $0.name == "layers/conv2d_3/vars/0" })
    #expect(source.tensors.allSatisfy { $0.name.hasPrefix("layers/") })
  }

  @Test("The tensors of a model within a model carry its name", arguments: ["full", "weights"])
  func nested(_ form: String) throws {
    let source = try WeightFile.open(Fixture.path("keras/narrow.nested.\(form).h5"))
    #expect(source.tensors.contains { $0.name == "narrow/post_bn/gamma" })
  }

  @Test("A full model's optimizer is counted, not handed out")
  func optimizer() throws {
    let source = try WeightFile.open(Fixture.path("keras/narrow.compiled.full.h5"))
    #expect(source.metadata["ignored.optimizer_weights"] != nil)
    #expect(!source.tensors.contains { $0.name.contains("optimizer") })
  }

  @Test(
    "What is not followed or not whole is refused by name",
    arguments: [
      ("broken/external_link.h5", "is a link into another file, which is never followed"),
      ("broken/external_storage.h5", "has its data in another file, which is never opened"),
      ("broken/soft_link.h5", "is a soft link, which Keras does not follow either"),
      ("broken/never_written.h5", "was declared but never written"),
      ("broken/truncated.h5", "is cut off"),
      ("narrow.lzf.h5", "is compressed with lzf; gzip, shuffle and fletcher32 are read"),
    ])
  func refusals(_ file: String, _ problem: String) throws {
    let error = #expect(throws: InputError.self) {
      try WeightFile.open(Fixture.path("keras/\(file)"))
    }
    #expect(error?.problem == problem)
    #expect(error?.kind == .badData)
  }

  @Test("Truncated and damaged HDF5 files are refused or read, and nothing hangs")
  func damage() throws {
    let folder = try TemporaryFolder()
    let good = try Fixture.bytes("keras/narrow.latest_gzip_shuffle.h5")
    for part in 0..<8 {
      let path = try folder.write(Array(good[..<(good.count * part / 8)]), to: "t.h5")
      #expect(throws: InputError.self) { try WeightFile.open(path) }
    }
    var generator = SplitMix64(seed: 5)
    for _ in 0..<40 {
      var bytes = good
      for _ in 0..<4 {
        bytes[Int(generator.next() % 20_000)] = UInt8(truncatingIfNeeded: generator.next())
      }
      let path = try folder.write(bytes, to: "t.h5")
      do throws(InputError) {
        let source = try WeightFile.open(path)
        for tensor in source.tensors { _ = try source.tensor(named: tensor.name) }
      } catch {}
    }
  }

  @Test("A written weights file is read back, bit for bit, and is the same twice")
  func writer() throws {
    let folder = try TemporaryFolder()
    let kernel = TensorData(shape: [1, 1, 2, 3], values: [1, -2, 3, .leastNonzeroMagnitude, 5, 6])
    let layers: [KerasH5Writer.Layer] = [
      .init(name: "relu", weights: []), .init(name: "conv", weights: [("kernel", kernel)]),
    ]
    var files: [[UInt8]] = []
    for name in ["a.h5", "b.h5"] {
      let output = try OutputFile(path: folder.file(name), replacing: false)
      try KerasH5Writer.write(layers, to: output)
      try output.commit()
      let file = try MappedFile(path: folder.file(name))
      files.append(try #require(file.bytes(at: 0, count: file.count)))
    }
    #expect(files[0] == files[1])
    let source = try WeightFile.open(folder.file("a.h5"))
    #expect(source.container == "keras-h5")
    #expect(try source.tensor(named: "conv/kernel").floats() == kernel.floats())
  }
}

@Suite("HDF5 table")
struct HDF5TableTests {
  @Test(
    "A weight of the model itself is one, what only training uses is counted",
    arguments: [("gate:0", true), ("seed_generator_state:0", false)])
  func modelsOwn(_ name: String, isWeight: Bool) throws {
    var bytes = Array("RNWH".utf8)
    bytes.append(littleEndian: UInt32(1))
    for (path, attribute, value) in [
      ("", "layer_names", "conv"), ("conv", "weight_names", "kernel:0"),
    ] {
      bytes.append(UInt8(ascii: "A"))
      for text in [path, attribute] { bytes.append(text: text) }
      bytes.append(0)
      bytes.append(littleEndian: UInt32(1))
      bytes.append(text: value)
    }
    for path in ["conv/kernel:0", "top_level_model_weights/\(name)"] {
      bytes.append(UInt8(ascii: "D"))
      bytes.append(text: path)
      bytes += [UInt8(ascii: "f"), 4, 0]
      for number in [0, 4] as [UInt64] { bytes.append(littleEndian: number) }
      bytes.append(text: "")
    }
    bytes.append(UInt8(ascii: "E"))
    let layout = try KerasLayout(try HDF5Table(bytes, length: 4), path: "x.h5", graph: nil)
    #expect(layout.tensors.count == (isWeight ? 2 : 1))
    #expect(layout.metadata["ignored.optimizer_weights"] == (isWeight ? nil : "1"))
  }

  @Test("No table brings the parent down, whatever it says")
  func damage() throws {
    var good = Array("RNWH".utf8)
    good.append(littleEndian: UInt32(1))
    good += [UInt8(ascii: "D")]
    good.append(text: "a")
    good += [UInt8(ascii: "f"), 4, 1]
    good.append(littleEndian: UInt64(2))
    good.append(littleEndian: UInt64(0))
    good.append(littleEndian: UInt64(8))
    good.append(text: "")
    good += [UInt8(ascii: "E")]
    #expect(try HDF5Table(good, length: 8).datasets.count == 1)
    #expect(throws: HDF5Table.Fault.self) { try HDF5Table(good, length: 7) }
    for length in 0..<good.count {
      #expect(throws: HDF5Table.Fault.self) { try HDF5Table(Array(good[..<length]), length: 8) }
    }
    for position in good.indices {
      for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
        var bytes = good
        bytes[position] = value
        _ = try? HDF5Table(bytes, length: 8)
      }
    }
  }
}
