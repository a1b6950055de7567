import Files
import Processes
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The program `rnw-hdf5`, in which libhdf5 runs with limits on memory and time.
struct HDF5Child {
  /// The most that the table of a file of any size may take, and how many times its own size that of a larger one.
  private static let (freeTableBytes, maximumTableExpansion) = (16 << 20, 4)

  private static let maximumMessageBytes = 64 << 10

  /// What the program needs to find its libraries; nothing else of the environment is for it.
  private static let variables = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"]

  /// The file that is worked on, for messages.
  let path: String

  /// The path by which the program opens it.
  let accessPath: String

  /// Lists what a range of the file holds as HDF5.
  func table(offset: Int, length: Int) throws -> HDF5Table {
    let limit = max(Self.freeTableBytes, length * Self.maximumTableExpansion)
    let bytes = try output(
      of: ["list", accessPath, String(offset), String(length), String(limit)], input: []
    ).contents(atMost: limit)
    do {
      return try HDF5Table(try bytes ?? tooMuch(), length: length)
    } catch let fault as HDF5Table.Fault {
      throw InputError(
        .badData, path: path, fault.problem, place: fault.place.isEmpty ? nil : fault.place)
    }
  }

  /// Decodes datasets that are not plain contiguous data.
  ///
  /// - Returns: the elements of each dataset, little-endian and in row-major order.
  func elements(
    of datasets: [TensorInfo], offset: Int, length: Int, limit: Int
  ) throws -> [TensorData] {
    var request: [UInt8] = []
    request.append(littleEndian: UInt32(datasets.count))
    for dataset in datasets { request.append(text: dataset.name) }
    let most = limit + datasets.count * 8
    let answer = try output(
      of: ["read", accessPath, String(offset), String(length), String(most)], input: request)
    guard let file = try answer.mapped(atMost: most, path: path) else { return try tooMuch() }
    var result: [TensorData] = []
    var position = 0
    for dataset in datasets {
      var count = ByteReader(file.bytes(at: position, count: 8) ?? [])
      guard let bytes = count.read(UInt64.self), let expected = dataset.byteCount,
        bytes == UInt64(expected),
        let data = TensorData(
          dtype: dataset.dtype, shape: dataset.shape, file: file, offset: position + 8)
      else {
        throw InputError(
          .badData, path: path, "gave other data than it declares", place: dataset.name)
      }
      result.append(data)
      position += 8 + expected
    }
    return result
  }

  /// Writes a file from its description.
  func write(_ description: [UInt8]) throws {
    _ = try output(of: ["write", accessPath], input: description)
  }

  private func tooMuch<Result>() throws -> Result {
    throw InputError(.badData, path: path, "cannot be read as HDF5", place: "it gave too much")
  }

  // MARK: - Running

  /// Input, output and messages go by files: neither program ever waits for the other in the middle of its work, and one
  /// that ends early breaks no pipe.
  private func output(of arguments: [String], input: [UInt8]) throws -> UnnamedFile {
    let request = try UnnamedFile(for: path)
    try request.write(input)
    let answer = try UnnamedFile(for: path)
    let messages = try UnnamedFile(for: path)
    let program = try Self.program()
    let ending: ChildProcess.Ending
    do {
      ending = try ChildProcess.run(
        program, arguments, input: request, output: answer, error: messages,
        environment: Self.variables.compactMap { name in
          getenv(name).map { "\(name)=\(String(cString: $0))" }
        })
    } catch let failure {
      throw InputError(.unreadable, path: program, "cannot be run: \(errorText(failure.code))")
    }
    let message = messages.contents(atMost: Self.maximumMessageBytes) ?? []
    try check(
      ending, message: String(decoding: message, as: UTF8.self), isWriting: arguments[0] == "write")
    return answer
  }

  private func check(_ ending: ChildProcess.Ending, message: String, isWriting: Bool) throws {
    let parts = message.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
    let problem = parts.first.map(String.init) ?? ""
    let place = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : nil
    switch ending {
    case .exited(0):
      return
    case .exited(EX_DATAERR):
      throw InputError(.badData, path: path, problem, place: place)
    case .exited(EX_IOERR) where !isWriting || problem.isEmpty:
      // What is read goes to a temporary file, and so do messages, of which nothing is left where that folder is full.
      let reason = problem.split(separator: ": ", maxSplits: 1).dropFirst().first
      throw unwritableTemporary(for: path, reason.map(String.init))
    case .exited(EX_IOERR):
      throw InputError(.writeFailed, path: path, problem, place: place)
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

  /// The version of libhdf5 that the program has, and where the program is.
  ///
  /// - Throws: `InputError` where it is not there or does not run.
  static func libraryVersion() throws -> (version: String, program: String) {
    let path = try program()
    let answer = try HDF5Child(path: path, accessPath: path).output(of: ["version"], input: [])
    let text = String(decoding: answer.contents(atMost: 64) ?? [], as: UTF8.self)
    return (text.filter { $0.isNumber || $0 == "." }, path)
  }

  /// The program stands beside the one that runs, in `../libexec` as it is installed, or where `RNW_HDF5` says; it is
  /// looked for nowhere else.
  private static func program() throws -> String {
    if let path = getenv("RNW_HDF5") { return String(cString: path) }
    let places =
      RunningProgram.folder.map { ["\($0)/rnw-hdf5", "\($0)/../libexec/rnw-hdf5"] } ?? []
    guard let path = places.first(where: { access($0, X_OK) == 0 }) else {
      throw InputError(
        .unreadable, path: places.first ?? "rnw-hdf5",
        "is needed to read HDF5 files and is not there",
        hint: "install rnw-hdf5 beside rnw, or name it in the environment variable RNW_HDF5",
        reason: .missingProgram)
    }
    return path
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
