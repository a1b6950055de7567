import Subprocess
import Tensors

#if canImport(System)
  import System
#else
  import SystemPackage
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The program `rnw-hdf5`, in which libhdf5 runs with limits on memory and time.
struct HDF5Child {
  /// The most that a table may take: the limits of the program, and some.
  private static let maximumTableBytes = 512 << 20

  private static let maximumMessageBytes = 64 << 10

  /// The file that is worked on, for messages.
  let path: String

  /// The path by which the program opens it.
  let accessPath: String

  /// Lists what a range of the file holds as HDF5.
  func table(offset: Int, length: Int) async throws -> HDF5Table {
    let bytes = try await output(
      of: [
        "list", accessPath, String(offset), String(length), String(Self.maximumTableBytes),
      ], input: [], limit: Self.maximumTableBytes)
    do {
      return try HDF5Table(bytes, length: length)
    } catch let fault {
      throw InputError(
        .badData, path: path, fault.problem, place: fault.place.isEmpty ? nil : fault.place)
    }
  }

  /// Decodes datasets that are not plain contiguous data.
  ///
  /// - Returns: the elements of each dataset, little-endian and in row-major order.
  func elements(
    of datasets: [TensorInfo], offset: Int, length: Int, limit: Int
  ) async throws -> [[UInt8]] {
    var request: [UInt8] = []
    request.append(littleEndian: UInt32(datasets.count))
    for dataset in datasets { request.append(text: dataset.name) }
    let most = limit + datasets.count * 8
    let bytes = try await output(
      of: ["read", accessPath, String(offset), String(length), String(most)], input: request,
      limit: most)
    var reader = ByteReader(bytes)
    var result: [[UInt8]] = []
    for dataset in datasets {
      guard let count = reader.read(UInt64.self), let expected = dataset.byteCount,
        count == UInt64(expected), let elements = reader.read(count: expected)
      else {
        throw InputError(
          .badData, path: path, "gave other data than it declares", place: dataset.name)
      }
      result.append(Array(elements))
    }
    return result
  }

  /// Writes a file from its description.
  func write(_ description: [UInt8]) async throws {
    _ = try await output(of: ["write", accessPath], input: description, limit: 64)
  }

  // MARK: - Running

  /// Input and output go by files: neither program ever waits for the other in the middle of its work, and one that
  /// ends early breaks no pipe.
  private func output(of arguments: [String], input: [UInt8], limit: Int) async throws -> [UInt8] {
    let request = input.isEmpty ? nil : try MappedFile(temporary: input, path: path)
    defer { withExtendedLifetime(request) {} }
    let answer = try UnnamedFile(for: path)
    let program = FilePath(try Self.program())
    let result: (status: TerminationStatus, message: String)
    do {
      let descriptor = try FileDescriptor.open(
        FilePath(request?.accessPath ?? "/dev/null"), .readOnly, options: .closeOnExec)
      let record = try await run(
        .path(program), arguments: Arguments(arguments), environment: .inherit,
        input: .fileDescriptor(descriptor, closeAfterSpawningProcess: true),
        output: .fileDescriptor(
          FileDescriptor(rawValue: answer.duplicate()), closeAfterSpawningProcess: true),
        error: .string(limit: Self.maximumMessageBytes))
      result = (record.terminationStatus, record.standardError)
    } catch let error as SubprocessError {
      throw InputError(.badData, path: path, "cannot be read as HDF5: \(error)")
    }
    try check(result.status, message: result.message)
    guard let bytes = answer.contents(atMost: limit) else {
      throw InputError(.badData, path: path, "cannot be read as HDF5", place: "it gave too much")
    }
    return bytes
  }

  private func check(_ status: TerminationStatus, message: String) throws {
    let parts = message.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
    let problem = parts.first.map(String.init) ?? ""
    let place = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : nil
    switch status {
    case .exited(0):
      return
    case .exited(EX_DATAERR):
      throw InputError(.badData, path: path, problem, place: place)
    case .exited(let status):
      throw InputError(
        .badData, path: path, "cannot be read as HDF5",
        place: problem.isEmpty ? "rnw-hdf5 ended with status \(status)" : problem)
    case .signaled(let signal):
      let reason = signal == SIGALRM || signal == SIGXCPU ? "took too long over" : "failed on"
      throw InputError(
        .badData, path: path, "the HDF5 library \(reason) this file (signal \(signal))",
        place: "the file is damaged or made to do harm")
    }
  }

  /// The program stands beside the one that runs, or where `RNW_HDF5` says.
  private static func program() throws -> String {
    if let path = getenv("RNW_HDF5") { return String(cString: path) }
    let folder = executableFolder()
    let path = "\(folder)/rnw-hdf5"
    guard access(path, X_OK) == 0 else {
      throw InputError(
        .unreadable, path: path, "is needed to read HDF5 files and is not there",
        hint: "install rnw-hdf5 beside rnw, or name it in the environment variable RNW_HDF5")
    }
    return path
  }

  private static func executableFolder() -> String {
    #if os(Linux)
      let link = "/proc/self/exe"
      let path = [CChar](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
        guard let start = buffer.baseAddress else { return }
        count = max(readlink(link, start, buffer.count), 0)
      }
      let text = String(decoding: path.map(UInt8.init(bitPattern:)), as: UTF8.self)
    #else
      let text = CommandLine.arguments.first ?? ""
    #endif
    guard let slash = text.lastIndex(of: "/") else { return "." }
    return String(text[..<slash])
  }
}

extension [UInt8] {
  /// Appends an integer as `rnw-hdf5` reads it.
  mutating func append<Value: FixedWidthInteger & UnsignedInteger>(littleEndian value: Value) {
    for index in 0..<Value.bitWidth / 8 {
      append(UInt8(truncatingIfNeeded: value >> Value(8 * index)))
    }
  }

  /// Appends a text with its count.
  mutating func append(text: String) {
    append(littleEndian: UInt32(text.utf8.count))
    append(contentsOf: text.utf8)
  }
}
