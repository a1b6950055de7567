import Files
import RNW
import Safetensors
import Tensors

/// The readers as a fuzzer calls them: bytes in, nothing out, and every refusal is fine.
package enum FuzzEntries {
  /// The pickle of a checkpoint.
  package static func pickle(_ bytes: [UInt8]) {
    var machine = PickleMachine(bytes)
    _ = try? machine.value()
  }

  /// The table that `rnw-hdf5` gives.
  package static func hdf5Table(_ bytes: [UInt8]) {
    _ = try? HDF5Table(bytes, length: 1 << 20)
  }

  /// A whole file of any kind that is read in this process: zip, npy, npz, checkpoints of PyTorch and TensorFlow, MXNet,
  /// safetensors, rnw.
  package static func file(_ bytes: [UInt8]) {
    guard let file = try? MappedFile(temporary: bytes, path: "input"), file.count > 0,
      let source = try? source(of: file)
    else { return }
    for tensor in source.tensors { _ = try? source.tensor(named: tensor.name) }
  }

  private static func source(of file: MappedFile) throws -> (any WeightSource)? {
    if ZipArchive.isZip(file) {
      let archive = try ZipArchive(file)
      return TorchArchive.isTorch(archive)
        ? try TorchArchive(archive).source() : try NumPySource(npz: archive)
    }
    if NPYHeader.isNPY(file.bytes(at: 0, count: min(6, file.count)) ?? []) {
      return try NumPySource(npy: file)
    }
    if TorchStream.isTorch(file) { return try TorchStream.source(file) }
    if MXNetSource.isMXNet(file) { return try MXNetSource(file) }
    if SortedTable.isTable(file) {
      _ = try BundleListing(file)
      return try TensorFlowV1(file)
    }
    let safetensors = try SafetensorsFile(file)
    return RNWFile.isRNW(safetensors) ? try RNWFile(safetensors) : safetensors
  }
}
