public import CRNW
import Files
import Inference
import RNW
import Tensors

// The functions of `rnw.h`, which says what they do. The compiler holds them to its declarations.

private let version = CText(PackageVersion.text)
private let noText = CText("")

/// The version of the library.
@c @implementation
public func rnw_version() -> UnsafePointer<CChar>! { version.start }

/// Opens a file.
@c @implementation
public func rnw_open(
  _ path: UnsafePointer<CChar>!, _ file: UnsafeMutablePointer<OpaquePointer?>!
) -> rnw_status {
  file?.pointee = nil
  return status {
    let (path, file) = (try required(path, "path"), try required(file, "file"))
    let opened = try OpenFile(path: String(cString: path))
    file.pointee = OpaquePointer(Unmanaged.passRetained(opened).toOpaque())
  }
}

/// Closes a file.
@c @implementation
public func rnw_close(_ file: OpaquePointer!) {
  guard let file else { return }
  Unmanaged<OpenFile>.fromOpaque(UnsafeRawPointer(file)).release()
}

/// The number of tensors.
@c @implementation
public func rnw_count(_ file: OpaquePointer!) -> Int {
  (try? opened(file))?.tensors.count ?? 0
}

/// Describes the tensor at an index.
@c @implementation
public func rnw_describe(
  _ file: OpaquePointer!, _ index: Int, _ tensor: UnsafeMutablePointer<rnw_tensor>!
) -> rnw_status {
  status {
    try required(tensor, "tensor").pointee = try description(of: index, in: try opened(file))
  }
}

/// Finds a tensor by its name.
@c @implementation
public func rnw_find(
  _ file: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ index: UnsafeMutablePointer<Int>!
) -> rnw_status {
  status {
    let file = try opened(file)
    let name = String(cString: try required(name, "name"))
    let index = try required(index, "index")
    guard let found = file.index(of: name) else {
      let error = InputError(
        .badData, path: file.file.path, "has no tensor of this name", place: name)
      throw Failure(RNW_NOT_FOUND, error.description)
    }
    index.pointee = found
  }
}

/// Writes a tensor as float32 into a buffer.
@c @implementation
public func rnw_read_float32(
  _ file: OpaquePointer!, _ index: Int, _ values: UnsafeMutablePointer<Float>!, _ capacity: Int
) -> rnw_status {
  status {
    let file = try opened(file)
    let tensor = try description(of: index, in: file)
    // An empty tensor needs no buffer, but it is read as well: it may be damaged.
    if tensor.count > 0 { _ = try required(values, "values") }
    try require(capacity, atLeast: tensor.count, "floats", for: tensor)
    try file.file.tensor(named: String(cString: tensor.name)).withFloats { floats in
      guard let start = floats.baseAddress, let values else { return }
      values.update(from: start, count: floats.count)
    }
  }
}

/// Writes a tensor in its own type into a buffer.
@c @implementation
public func rnw_read(
  _ file: OpaquePointer!, _ index: Int, _ bytes: UnsafeMutableRawPointer!, _ capacity: Int
) -> rnw_status {
  status {
    let file = try opened(file)
    let tensor = try description(of: index, in: file)
    if tensor.bytes > 0 { _ = try required(bytes, "bytes") }
    try require(capacity, atLeast: tensor.bytes, "bytes", for: tensor)
    try file.file.tensor(named: String(cString: tensor.name)).withUnsafeBytes { elements in
      guard let start = elements.baseAddress, let bytes else { return }
      bytes.copyMemory(from: start, byteCount: elements.count)
    }
  }
}

/// Writes the scales of int8 weights into a buffer.
@c @implementation
public func rnw_read_scales(
  _ file: OpaquePointer!, _ index: Int, _ scales: UnsafeMutablePointer<Float>!, _ capacity: Int
) -> rnw_status {
  status {
    let file = try opened(file)
    let tensor = try description(of: index, in: file)
    guard tensor.scales > 0 else { return }
    let buffer = try required(scales, "scales")
    try require(capacity, atLeast: tensor.scales, "floats", for: tensor)
    let data = try file.file.tensor(named: String(cString: tensor.name))
    for (index, scale) in (data.channelScales ?? []).enumerated() { buffer[index] = scale }
  }
}

/// Gives a tensor where it lies in the mapped file.
@c @implementation
public func rnw_map(
  _ file: OpaquePointer!, _ index: Int, _ bytes: UnsafeMutablePointer<UnsafeRawPointer?>!,
  _ size: UnsafeMutablePointer<Int>!
) -> rnw_status {
  bytes?.pointee = nil
  return status {
    let file = try opened(file)
    let tensor = try description(of: index, in: file)
    let bytes = try required(bytes, "bytes")
    guard let data = try file.file.mappedTensor(named: String(cString: tensor.name)) else {
      throw Failure(
        RNW_NOT_MAPPED,
        "\(file.file.path): \(String(cString: tensor.name)) is compressed; rnw_read decodes it")
    }
    // The file stays mapped as long as it is open, so the address outlives the closure.
    let elements = data.withUnsafeBytes { $0 }
    bytes.pointee = elements.baseAddress
    size?.pointee = elements.count
  }
}

/// The value of a key of the metadata.
@c @implementation
public func rnw_metadata(
  _ file: OpaquePointer!, _ key: UnsafePointer<CChar>!
) -> UnsafePointer<CChar>! {
  guard let key, let file = try? opened(file) else { return nil }
  return file.metadata(String(cString: key))
}

/// Compares a tensor with its checksums.
@c @implementation
public func rnw_verify_tensor(_ file: OpaquePointer!, _ index: Int) -> rnw_status {
  status {
    let file = try opened(file)
    let tensor = try description(of: index, in: file)
    try file.file.verify(tensorNamed: String(cString: tensor.name))
  }
}

/// Compares every tensor with its checksums, and all with the network that the file describes.
@c @implementation
public func rnw_verify(_ file: OpaquePointer!) -> rnw_status {
  status {
    try check(try opened(file).file)
  }
}

/// Computes the network again and compares with the certificate.
@c @implementation
public func rnw_verify_certificate(
  _ file: OpaquePointer!, _ threads: Int32, _ error: UnsafeMutablePointer<Double>!
) -> rnw_status {
  error?.pointee = .nan
  return status {
    guard (1...256).contains(threads) else {
      throw Failure(RNW_INVALID_ARGUMENT, "threads is \(threads), it must be from 1 to 256")
    }
    let file = try opened(file).file
    let result = try checkCertificate(of: file, threads: Int(threads))
    error?.pointee = result.scaledError
    guard result.passes else {
      throw Failure(
        RNW_OUT_OF_LIMIT,
        "\(file.path): differs by \(result.scaledError) from its certificate (limit \(result.limit))"
          + (result.firstWrong.map { ", first in \($0.name) by \($0.error) (limit \($0.limit))" }
            ?? "")
      )
    }
  }
}

/// The number of layers of which something is kept.
@c @implementation
public func rnw_layer_count(_ file: OpaquePointer!) -> Int {
  (try? opened(file).layers().names.count) ?? 0
}

/// The name of a layer.
@c @implementation
public func rnw_layer_name(_ file: OpaquePointer!, _ index: Int) -> UnsafePointer<CChar>! {
  guard let names = try? opened(file).layers().names, names.indices.contains(index) else {
    return nil
  }
  return names[index].start
}

/// Writes the probe of the certificate into a buffer.
@c @implementation
public func rnw_probe(
  _ file: OpaquePointer!, _ layout: rnw_layout, _ values: UnsafeMutablePointer<Float>!,
  _ capacity: Int, _ count: UnsafeMutablePointer<Int>!
) -> rnw_status {
  count?.pointee = 0
  return status {
    let probe = try probe(of: try opened(file).file, layout: try checked(layout))
    count?.pointee = probe.count
    let values = try required(values, "values")
    guard capacity >= probe.count || capacity < 0 else {
      throw Failure(
        RNW_TOO_SMALL, "the probe needs \(probe.count) floats, the buffer has \(capacity)")
    }
    for (index, value) in probe.enumerated() { values[index] = value }
  }
}

/// Compares the values of a layer with what is kept of them.
@c @implementation
public func rnw_check_layer(
  _ file: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ values: UnsafePointer<Float>!,
  _ count: Int, _ layout: rnw_layout, _ tolerance: Double, _ error: UnsafeMutablePointer<Double>!,
  _ limit: UnsafeMutablePointer<Double>!
) -> rnw_status {
  error?.pointee = .nan
  limit?.pointee = .nan
  return status {
    let file = try opened(file)
    let name = String(cString: try required(name, "name"))
    let values = try required(values, "values")
    let layout = try checked(layout)
    guard tolerance >= 0, count >= 0 else {
      throw Failure(
        RNW_INVALID_ARGUMENT, "tolerance is \(tolerance) and count \(count), both from 0 on")
    }
    let fingerprints = try file.layers().fingerprints
    guard fingerprints.layer(named: name) != nil else {
      let error = InputError(
        .badData, path: file.file.path, "has no layer of this name", place: name)
      throw Failure(RNW_NOT_FOUND, error.description)
    }
    let check = fingerprints.check(
      name, values: UnsafeBufferPointer(start: values, count: count), layout: layout,
      tolerance: tolerance)
    guard let check else {
      throw Failure(
        RNW_NO_CERTIFICATE,
        "\(file.file.path): keeps nothing of \(name): its values were not finite")
    }
    error?.pointee = check.error
    limit?.pointee = check.limit
    guard check.passes else {
      throw Failure(
        RNW_OUT_OF_LIMIT,
        "\(file.file.path): \(name) is off by \(check.error) of its largest value (limit \(check.limit))"
      )
    }
  }
}

/// What went wrong in the last call that failed on this thread.
@c @implementation
public func rnw_error_message() -> UnsafePointer<CChar>! {
  (LastFailure.current?.text ?? noText).start
}

/// The status of that call.
@c @implementation
public func rnw_error_status() -> rnw_status { LastFailure.current?.status ?? RNW_OK }

// MARK: - Arguments

private func opened(_ file: OpaquePointer?) throws -> OpenFile {
  Unmanaged<OpenFile>.fromOpaque(UnsafeRawPointer(try required(file, "file"))).takeUnretainedValue()
}

private func description(of index: Int, in file: OpenFile) throws -> rnw_tensor {
  guard file.tensors.indices.contains(index) else {
    throw Failure(
      RNW_INVALID_ARGUMENT,
      "\(file.file.path): there is no tensor \(UInt(bitPattern: index)); there are "
        + "\(file.tensors.count)")
  }
  return file.tensors[index]
}

private func checked(_ layout: rnw_layout) throws -> LayerLayout {
  switch layout {
  case RNW_NHWC: .channelsLast
  case RNW_NCHW: .channelsFirst
  default: throw Failure(RNW_INVALID_ARGUMENT, "layout is \(layout.rawValue)")
  }
}

private func required<Argument>(_ argument: Argument?, _ name: String) throws -> Argument {
  guard let argument else { throw Failure(RNW_INVALID_ARGUMENT, "\(name) is NULL") }
  return argument
}

private func require(
  _ capacity: Int, atLeast count: Int, _ unit: String, for tensor: rnw_tensor
) throws {
  // A size that Swift takes for negative is larger than any tensor.
  guard capacity >= count || capacity < 0 else {
    throw Failure(
      RNW_TOO_SMALL,
      "\(String(cString: tensor.name)) needs \(count) \(unit), the buffer has \(capacity)")
  }
}
