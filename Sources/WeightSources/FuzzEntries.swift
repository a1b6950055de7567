import Files
import SourceGraph
import Tensors

/// The readers as a fuzzer calls them: bytes in, nothing out, and every refusal is fine.
package enum FuzzEntries {
  /// The pickle of a checkpoint, or of arrays.
  package static func pickle(_ bytes: [UInt8]) {
    for names in [PickleNames.torch, .arrays] {
      var machine = PickleMachine(PickleBytes(bytes), names: names)
      _ = try? machine.value()
    }
  }

  /// The table that `rnw-hdf5` gives.
  package static func hdf5Table(_ bytes: [UInt8]) {
    _ = try? HDF5Table(bytes, length: 1 << 20)
  }

  /// A whole file of any kind that is read in this process.
  package static func file(_ bytes: [UInt8]) {
    guard let file = try? MappedFile(temporary: bytes, path: "input"), file.count > 0,
      let content = try? FileContent(file, isAlone: true)
    else { return }
    if SortedTable.isTable(file) { _ = try? BundleListing(file) }
    guard
      let container = try? Container.of(content, among: Container.all.filter { !$0.needsProgram }),
      let source = try? container.open(content)
    else { return }
    for tensor in source.tensors { _ = try? source.tensor(named: tensor.name) }
  }

  /// An ONNX model, and the graph that it carries.
  package static func onnx(_ bytes: [UInt8]) {
    guard let file = try? MappedFile(temporary: bytes, path: "input"), file.count > 0,
      let source = try? ONNXSource(file, opensOthers: false)
    else { return }
    for tensor in source.tensors { _ = try? source.tensor(named: tensor.name) }
    guard let graph = try? source.graph() else { return }
    _ = try? graph.shapes(for: [1, 9, 7, 3])
    _ = try? SourceWeights(of: graph, in: source)
  }
}
