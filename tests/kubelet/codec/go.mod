module dockcred.test/codec

go 1.24
