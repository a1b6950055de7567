import RNW
import Safetensors
public import Tensors

/// Opens weight files of every kind.
public enum WeightFile {
  /// Opens a file; its content decides what it is, never its name.
  ///
  /// - Throws: `InputError` where the file is missing, of no known kind, or breaks a rule of its kind.
  public static func open(_ path: String) async throws -> any WeightSource {
    let file = try MappedFile(path: path)
    guard file.count > 0 else {
      throw InputError(.badData, path: path, "is empty", place: "a weight file was expected")
    }
    if ZipArchive.isZip(file) {
      return try await openArchive(file)
    }
    if NPYHeader.isNPY(file.bytes(at: 0, count: min(6, file.count)) ?? []) {
      return try NumPySource(npy: file)
    }
    if TorchStream.isTorch(file) {
      return try TorchStream.source(file)
    }
    if HDF5File.isHDF5(file) {
      return try await KerasSource(hdf5: file)
    }
    if SafetensorsHeader.isSafetensors(file) {
      let safetensors = try SafetensorsFile(file)
      return RNWFile.isRNW(safetensors) ? try RNWFile(safetensors) : safetensors
    }
    throw InputError(
      .badData, path: path, "is of no known kind",
      place: "HDF5, .keras, .npz, .npy, .safetensors, .pth or .rnw were expected")
  }

  /// Opens a file of NumPy's; `nil` where it is none.
  ///
  /// - Throws: `InputError` where it breaks a rule of its kind.
  package static func openArrays(_ file: MappedFile) throws -> (any WeightSource)? {
    if ZipArchive.isZip(file) {
      let archive = try ZipArchive(file)
      return NumPySource.isNPZ(archive) ? try NumPySource(npz: archive) : nil
    }
    guard NPYHeader.isNPY(file.bytes(at: 0, count: min(6, file.count)) ?? []) else { return nil }
    return try NumPySource(npy: file)
  }

  private static func openArchive(_ file: MappedFile) async throws -> any WeightSource {
    let archive = try ZipArchive(file)
    if KerasSource.isKeras(archive) {
      return try await KerasSource(archive: archive)
    }
    if NumPySource.isNPZ(archive) {
      return try NumPySource(npz: archive)
    }
    if TorchArchive.isTorch(archive) {
      return try TorchArchive(archive).source()
    }
    throw InputError(
      .badData, path: file.path, "is a zip archive of an unknown kind",
      place: "a .keras, .npz or .pth archive was expected")
  }
}

extension WeightFile {
  /// The endings that files of weights have, the longer of two first.
  package static let endings = [
    "weights.h5", "h5", "hdf5", "keras", "npz", "npy", "safetensors", "pth.tar", "pth", "pt",
    "ckpt",
    "bin", "rnw",
  ]

  /// A file's name without its ending, where that is one of weight files; other dots are part of the name.
  package static func stem(of name: String) -> String {
    let small = name.lowercased()
    for ending in endings where small.hasSuffix(".\(ending)") && small.count > ending.count + 1 {
      return String(name.dropLast(ending.count + 1))
    }
    return name
  }
}
